"""Budgets in words, and who keeps to them."""

from typing import Any

import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.study.budgets import Limits, check_reachable, fitting_methods, read_limits, served_models
from unit.study.made_up import Results, serving_of

ANY = Limits(latency=None, parameters=None, specialization=0, pretraining=400)


def test_what_is_left_out_is_no_limit() -> None:
    assert read_limits({}, [100, 200, 400], [100, 200]) == ANY


def test_words_become_numbers() -> None:
    given = {"latency": "0.5", "parameters": 1e6, "specialization": "100", "pretraining": 200}
    assert read_limits(given, [100, 200, 400], [100, 200]) == Limits(0.5, 1_000_000, 100, 200)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"latency": "fast"}, "latency: 'fast' is no number above 0"),
        ({"parameters": -1}, "parameters: -1 is no number above 0"),
        ({"parameters": "inf"}, "parameters: 'inf' is no number above 0"),
        ({"parameters": "1e400"}, "parameters: '1e400' is no number above 0"),
        ({"latency": "nan"}, "latency: 'nan' is no number above 0"),
        ({"latency": float("inf")}, "latency: inf is no number above 0"),
        ({"pretraining": "-inf"}, "pretraining: '-inf' is no number above 0"),
        ({"specialization": "nan"}, "specialization: 'nan' is no number above 0"),
        ({"pretraining": 300}, "pretraining: there is no pretraining of 300 tokens"),
        ({"specialization": 400}, "specialization: there is no pretraining of 400 tokens"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_limits(given, [100, 200, 400], [100, 200])
    assert "Remedy: " in str(caught.value)


def fitting(results: Results, limits: Limits) -> tuple[list[str], dict[str, str]]:
    return fitting_methods(results.evidence, served_models(results.evidence, serving_of(results)), limits)


def test_latency_and_parameters_leave_the_large_model_out(paper_results: Results) -> None:
    small = ["slm", "slm_nopt", "slm_mix", "slm_pn", "slm_d"]
    names, excluded = fitting(paper_results, Limits(3.0, None, 0, 400))
    assert names == small
    assert excluded == {"llm": "8.33 ms per token", "slm_is": "a pretraining for this domain"}
    assert fitting(paper_results, Limits(None, 130_000_000, 0, 400))[1]["llm"] == "771,000,000 parameters"
    assert fitting(paper_results, Limits(None, None, 400, 400))[0] == [
        "slm",
        "slm_nopt",
        "llm",
        *small[2:4],
        "slm_is",
        "slm_d",
    ]


def test_latency_is_the_networks(paper_results: Results) -> None:
    """One slow measurement of a network that all small methods serve says nothing of its method."""
    serving = serving_of(paper_results)
    serving.loc[serving["method"] == "slm", "ms_per_token"] = 9.0
    served = served_models(paper_results.evidence, serving)
    assert served.loc["slm", "ms"] == served.loc["slm_pn", "ms"] == 2.0


@pytest.mark.parametrize(
    ("limits", "key"), [(Limits(0.1, None, 0, 400), "latency"), (Limits(None, 5, 0, 400), "parameters")]
)
def test_limits_that_no_model_meets(paper_results: Results, limits: Limits, key: str) -> None:
    with pytest.raises(UserError, match=f"{key}: no model meets the limits: the fastest takes 2 ms per token"):
        fitting(paper_results, limits)


def test_limits_that_nothing_meets_are_refused_before_anything_is_made() -> None:
    serving = pd.DataFrame({"method": ["llm", "slm"], "parameters": [1000, 200], "ms_per_token": [0.7, 0.4]})
    check_reachable(Limits(0.4, 200, 0, 400), serving)
    check_reachable(ANY, serving)
    for limits, key in ((Limits(0.39, None, 0, 400), "latency"), (Limits(None, 199, 0, 400), "parameters")):
        with pytest.raises(UserError, match=f"{key}: no model meets the limits: the fastest takes 0.4 ms"):
            check_reachable(limits, serving)
