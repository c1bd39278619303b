"""Every claim on results on which it must hold, must fail, and cannot be told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.stage.errors import UserError
from speclm.study.claims import CLAIMS, COLUMNS, FAILS, HOLDS, UNDECIDED, judge, judge_one, strongest, verdict, weakest
from speclm.study.plan import Measurement
from unit.study.made_up import ABLATIONS, Results, Truth, paper_cost, paper_nll, plan_of, results_of

NUMBERS = [claim.number for claim in CLAIMS]


def shifted(*, by: float, where: Callable[[Measurement], bool], extra: tuple[str, ...] = ()) -> Truth:
    return Truth(nll=lambda name: paper_nll(name) + by * where(name), extra=extra)


def no_reversal(name: Measurement) -> float:
    """Well apart, and in the same order before fine-tuning and after."""
    place = ("slm", "slm_mix", "slm_pn").index(name.method) if name.method in ("slm", "slm_mix", "slm_pn") else 3
    return 2.5 + 0.3 * place - 0.0005 * name.budget + 0.7 * (name.size == 0)


def cheap_tuning(name: Measurement) -> dict[str, float]:
    """Fine-tuning cost grows by two per eight times the text."""
    return {**paper_cost(name), "flops_to_best": {0: 0.0, 1000: 1.0, 8000: 2.0, 64000: 4.0}[name.size]}


def varied_tuning(name: Measurement) -> dict[str, float]:
    """On one domain it grows by 100, on the others not at all."""
    growth = {0: 0.0, 1000: 1.0, 8000: 10.0, 64000: 10000.0}[name.size] if name.domain == "web" else 1.0
    return {**paper_cost(name), "flops_to_best": growth}


IMPORTANCE_WORSE = shifted(by=0.5, where=lambda name: name.method == "slm_is")
LARGE_WORSE = shifted(by=1.0, where=lambda name: name.method == "llm")
GAPS = Truth(extra=ABLATIONS, without=lambda name: (name.domain == "law" and name.size > 0) or name.split == "heldout")
REFUTED = {
    1: shifted(by=-5.0, where=lambda name: name.method == "slm_nopt"),
    2: LARGE_WORSE,
    3: shifted(by=0.5, where=lambda name: name.method == "slm_pn" and name.size == 1000),
    4: shifted(by=0.5, where=lambda name: name.method == "slm_mix" and name.size == 8000),
    5: shifted(by=-0.5, where=lambda name: name.method == "slm_pn" and name.size == 64000),
    6: Truth(nll=no_reversal),
    7: IMPORTANCE_WORSE,
    8: LARGE_WORSE,
    9: shifted(by=0.5, where=lambda name: name.method == "slm_d"),
    10: IMPORTANCE_WORSE,
    11: shifted(by=0.5, where=lambda name: name.method == "slm_pn_k64", extra=("slm_pn_k16", "slm_pn_k64")),
    12: shifted(by=-0.2, where=lambda name: name.selection == "best_finetuned"),
    13: IMPORTANCE_WORSE,
    14: shifted(by=0.5, where=lambda name: name.method in ("slm_is_k64", "slm_is"), extra=ABLATIONS),
    15: shifted(by=-0.5, where=lambda name: name.method in ("slm_pn", "slm_mix") and name.domain == "web"),
    16: Truth(cost=cheap_tuning),
    17: shifted(by=0.2, where=lambda name: name.method == "llm_lora", extra=ABLATIONS),
}


def verdict_of(truth: Truth, number: int) -> dict[str, Any]:
    return judge_one(number, results_of(truth).evidence)


@pytest.fixture(scope="module")
def supported() -> pd.DataFrame:
    return judge(results_of(Truth(extra=ABLATIONS)).evidence)


@pytest.fixture(scope="module")
def noisy() -> pd.DataFrame:
    return judge(results_of(Truth(extra=ABLATIONS, noise=4.0, cost=varied_tuning)).evidence)


@pytest.mark.parametrize("number", NUMBERS)
def test_holds_on_the_papers_numbers(supported: pd.DataFrame, number: int) -> None:
    row = supported.iloc[number - 1]
    assert row["verdict"] == HOLDS, row["note"]
    assert 0 < row["low"] <= row["measured"] <= row["high"]


@pytest.mark.parametrize("number", NUMBERS)
def test_fails_where_the_opposite_is_true(number: int) -> None:
    row = verdict_of(REFUTED[number], number)
    assert row["verdict"] == FAILS, row["note"]
    assert row["high"] < 0


@pytest.mark.parametrize("number", NUMBERS)
def test_cannot_tell_in_noise(noisy: pd.DataFrame, number: int) -> None:
    row = noisy.iloc[number - 1]
    assert row["verdict"] == UNDECIDED, row["note"]
    assert row["low"] <= 0 <= row["high"]


@pytest.mark.parametrize(("number", "absent"), [(11, "SLM-pn with"), (14, "SLM-is with"), (17, "LLM with LoRA")])
def test_what_was_not_run_is_named(paper_results: Results, number: int, absent: str) -> None:
    row = judge(paper_results.evidence).iloc[number - 1]
    assert row["verdict"] == UNDECIDED
    assert row["note"].startswith(f"not measured: {absent}")
    assert np.isnan(row["measured"])


@pytest.mark.parametrize("number", NUMBERS)
def test_no_claim_is_decided_without_its_measurements(number: int) -> None:
    """With one domain's measurements missing, what would hold is not said to hold."""
    row = verdict_of(GAPS, number)
    if number != 16:
        assert row["verdict"] == UNDECIDED, row["note"]
    assert "not measured" in row["note"]


def test_the_studys_number_of_experts_is_best_at_equal_cost() -> None:
    """Where the most experts are hardly dearer, and so best at equal cost as well, the claim does not hold."""
    factors = {"slm_pn_k16": 0.999, "slm_pn_k64": 1.001}

    def cost(name: Measurement) -> dict[str, float]:
        own = paper_cost(name._replace(method=name.method.partition("_k")[0]))
        return {key: factors.get(name.method, 1.0) * flops for key, flops in own.items()}

    row = verdict_of(Truth(extra=("slm_pn_k16", "slm_pn_k64"), cost=cost), 11)
    assert row["verdict"] == FAILS
    assert "SLM-pn with 32 experts below SLM-pn with 64 at equal cost" in row["note"]


def test_the_studys_own_number_of_experts_must_lie_between() -> None:
    """Without fewer and more experts than its own there is nothing to be best of."""
    for extra in (("slm_pn_k16",), ("slm_pn_k64",)):
        row = verdict_of(Truth(extra=extra), 11)
        assert row["verdict"] == UNDECIDED
        assert row["note"] == "not measured: SLM-pn with fewer and with more experts than the study's (ablations)"


def test_every_number_of_experts_counts() -> None:
    """The decisive pair is named by its numbers, the study's own among them."""
    worse = shifted(by=0.1, where=lambda name: name.method == "slm_pn_k64", extra=ABLATIONS)
    assert "SLM-pn with 64 experts below SLM-pn with 32, 1000 tokens" in verdict_of(worse, 11)["note"]


def test_weak_teachers_do_not_count() -> None:
    """A teacher of a quarter of the largest budget may fail; one of half may not. Both count with every student."""
    for teacher, expected in (("slm_d_t100", HOLDS), ("slm_d_t200", FAILS)):
        worse = shifted(by=0.3, where=lambda name: name.method == teacher, extra=ABLATIONS)  # noqa: B023
        row = verdict_of(worse, 9)
        assert row["verdict"] == expected
    assert "slm_d_t200 below SLM after 1000 tokens" in row["note"]


def test_every_lora_counts() -> None:
    row = verdict_of(Truth(extra=("llm_lora",)), 17)
    assert row["verdict"] == HOLDS
    assert row["note"].startswith("decided by: LLM-lora and LLM within 0.5 of 14.4")


def test_one_claim_by_its_number(supported: pd.DataFrame) -> None:
    evidence = results_of(Truth(extra=ABLATIONS)).evidence
    assert judge_one(7, evidence)["measured"] == pytest.approx(supported.iloc[6]["measured"])
    with pytest.raises(UserError, match='no claim 18: did you mean "claim_8'):
        judge_one(18, evidence)


def test_margins_are_the_papers(supported: pd.DataFrame) -> None:
    """Weakest or strongest parts, from table 8."""
    expected = {2: 17.13 / 17.00, 3: 17.56 / 17.17, 4: 14.48 / 14.42, 6: 36.61 / 34.35, 8: 15.58 / 15.49}
    for number, ratio in expected.items():
        assert supported.iloc[number - 1]["measured"] == pytest.approx(np.log(ratio)), number
    assert supported.iloc[15]["measured"] == pytest.approx(np.log(2))  # growth 10 lies ln 2 from 5 and from 20


def test_missing_measurements_never_hold_and_are_named() -> None:
    truth = Truth(without=lambda name: name == Measurement("slm_pn", "most_frequent", "web", 1000, 200, 17, "test"))
    rows = judge(results_of(truth).evidence)
    row = rows.iloc[2]
    assert row["verdict"] == UNDECIDED
    assert "slm_pn (most_frequent) on web test, n1000, b200" in row["note"]
    assert row["low"] > 0  # what was measured would have been enough
    refuted = shifted(by=0.5, where=lambda name: name.method == "slm_pn")
    assert verdict_of(replace(refuted, without=truth.without), 3)["verdict"] == FAILS


def test_nothing_measured_of_a_method() -> None:
    rows = judge(results_of(Truth(without=lambda name: name.method in ("slm_d", "slm_pn", "slm_mix"))).evidence)
    assert set(rows.loc[[2, 3, 8, 9, 11, 12, 14], "verdict"]) == {UNDECIDED}
    assert all("not measured" in note for note in rows.loc[[2, 3, 8, 9, 11, 12, 14], "note"])


def test_one_budget_shows_no_crossing() -> None:
    results = results_of(Truth())
    evidence = replace(results.evidence, plan=replace(plan_of(), budgets=(400,)))
    rows = judge(evidence)
    assert set(rows.loc[[2, 3, 4], "verdict"]) == {UNDECIDED}
    assert "a second budget" in rows.loc[3, "note"]


def test_cheaper_than_measured_is_a_bound(paper_results: Results) -> None:
    """SLM-is at 400 / 50 was not run: its cheapest run bounds it."""
    row = judge(paper_results.evidence).iloc[9]
    assert "the true margin is at least this" in row["note"]
    rival, exact = paper_results.evidence.macro_at_cost("slm_is", 1000, 8.0)
    assert not exact and np.exp(rival.values[0]) == pytest.approx(17.5)


def test_between_budgets_cost_is_read_off_the_curve(paper_results: Results) -> None:
    middle, exact = paper_results.evidence.macro_at_cost("slm_is", 0, float(np.sqrt(100 * 200)))
    assert exact and np.exp(middle.values[0]) == pytest.approx(np.sqrt(26.0 * 25.0))
    dearest, _ = paper_results.evidence.macro_at_cost("slm_is", 0, 1e9)
    assert np.exp(dearest.values[0]) == pytest.approx(24.0)


def test_columns_and_numbers(supported: pd.DataFrame) -> None:
    assert supported.columns.tolist() == COLUMNS
    assert set(COLUMNS) >= {"claim", "paper", "measured", "low", "high", "verdict"}
    assert [claim.number for claim in CLAIMS] == list(range(1, 18))


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(-9, 9)).map(sorted), min_size=1))
def test_the_rule(intervals: list[list[float]]) -> None:
    triples = [(middle, low, high) for low, middle, high in intervals]
    _, low, high = weakest(triples)
    assert (verdict(low, high, complete=True) == HOLDS) == all(low > 0 for _, low, _ in triples)
    assert (verdict(low, high, complete=True) == FAILS) == any(high < 0 for _, _, high in triples)
    assert verdict(low, high, complete=False) != HOLDS
    _, low, high = strongest(triples)
    assert (verdict(low, high, complete=True) == HOLDS) == any(low > 0 for _, low, _ in triples)
