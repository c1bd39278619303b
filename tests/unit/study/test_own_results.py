"""Which model is served: by validation, within the limits, never by test; and the card that comes with it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from speclm.study.bootstrap import Bootstrap
from speclm.study.model_card import model_card
from speclm.study.own_results import COLUMNS, own_results
from speclm.study.plan import Measurement
from unit.study.made_up import Truth, documents_of, runs_of

BOOTSTRAP = Bootstrap(replicates=100, seed=17, level=0.95)
LABELS = {"slm": "SLM", "slm_pn": "SLM-pn", "llm": "LLM"}
NAMES = [
    Measurement(method, selection, "law", size, 400, 17, "test")
    for method, selection in (("slm", "none"), ("slm_pn", "most_frequent"), ("llm", "none"))
    for size in (0, 1000)
]
# SLM is best on test, SLM-pn of the small ones on validation
TEST = {"slm": 3.0, "slm_pn": 3.1, "llm": 2.5}
VALID = {"slm": 3.2, "slm_pn": 3.15, "llm": 2.6}
SERVING = pd.DataFrame(
    {"method": ["slm", "slm_pn", "llm"], "ms_per_token": [0.4, 0.41, 0.7], "ms_low": 0.3, "ms_high": 0.8}
)


def results(latency: float | None = None, parameters: int | None = None) -> pd.DataFrame:
    truth = Truth(nll=lambda name: TEST[name.method] + (0 if name.size else 1))
    timings = pd.DataFrame([{**name._asdict(), "seconds_specialize": 4.0} for name in NAMES])
    models = [
        {**name._asdict(), "valid_nll": VALID[name.method] - (0 if name.size else 2), "best_step": 30} for name in NAMES
    ]
    limits = {"latency": latency, "parameters": parameters}
    made = documents_of(NAMES, truth), runs_of(NAMES, truth), timings, models, SERVING, LABELS, limits, BOOTSTRAP
    return own_results(*made)


def test_validation_chooses_and_test_does_not() -> None:
    table = results(latency=0.5)
    assert list(table.columns) == COLUMNS
    assert len(table) == 6 and table["served"].tolist() == ["yes", *["no"] * 5]
    served = table.iloc[0]
    assert (served["method"], served["size"]) == ("slm_pn", 1000)
    assert served["perplexity"] == pytest.approx(np.exp(3.1)) and served["behind"] == 0
    other = table[(table["method"] == "slm") & (table["size"] == 1000)].iloc[0]
    assert other["behind"] == pytest.approx(-0.1) and other["behind_low"] < -0.1 < other["behind_high"]


def test_without_limits_the_best_of_all_is_served() -> None:
    assert results().iloc[0]["method"] == "llm"
    assert results(parameters=200_000_000).iloc[0]["method"] == "slm_pn"


def test_a_model_before_specialisation_is_never_served() -> None:
    """Though its validation loss is the lowest here."""
    assert results().iloc[0]["size"] == 1000


def test_limits_that_nothing_keeps_here_are_told() -> None:
    """All were within them in the study: a busy machine is no reason to have no model."""
    table = results(latency=0.1)
    assert set(table["within"]) == {"no"} and table.iloc[0]["method"] == "llm"
    assert "It took 0.7 ms per token here, over the limit of 0.1: measure it alone." in card(latency=0.1)


def card(byte_share: float = 0.01, latency: float = 0.5, **made: Any) -> str:
    advice = {
        "name": "law",
        "ranking": [{"method": "slm", "label": "SLM"}],
        "tokens": {"train": 1000, "valid": 100, "test": 200},
        "byte_share": byte_share,
        "limits": {"latency": latency, "parameters": None},
    }
    row = {"dataset": "law", "origin": "our files", "licence": "CC0", "source": "law/"}
    facts = {"model": {"context": 128}, "seed": 17, "expert": 3, "steps": 40, "best_step": 30, **made}
    origin = {"run": "laptop", "commit": "abc", "machine": "a machine", "threads": 1, "precision": "float32"}
    return model_card(results(latency), advice, {"domain": row, "generic": {**row, "licence": "MIT"}}, facts, origin)


def test_the_card_says_what_the_model_is() -> None:
    page = card()
    served = results(latency=0.5).iloc[0]
    for words in (
        "---\nlibrary_name: transformers\n",
        "# law: a small language model for one domain",
        f"SLM-pn, {served['parameters']:,} parameters, context 128 tokens",
        "Perplexity 22.20 [",
        "validation chose SLM-pn",
        "| our files | CC0",
        "MIT",
        "the best by validation after 30; seed 17, expert 3.",
        "0.41 [0.30, 0.80] ms per token",
    ):
        assert words in page, words
    assert "nan" not in page and "single bytes" not in page


def test_the_card_warns() -> None:
    assert "60% of the domain's tokens are bytes" in card(byte_share=0.6)
    assert "more steps might have helped" in card(best_step=40)
