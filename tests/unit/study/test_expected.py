"""Expected numbers: the prediction interval in closed form, its rates by simulation, and what no seed changes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from speclm.stage.errors import UserError
from speclm.study.expected import PERPLEXITY, QUANTITY, compare, expect, factor_of, leave_one_out, measure
from unit.study.made_up import DOMAINS, SIZES, Truth, plan_of, results_of


def table(numbers: np.ndarray) -> pd.DataFrame:
    """Perplexities (quantities, seeds) as `expect` takes them."""
    named = [(PERPLEXITY, f"m{row}", "macro", 0, 100) for row in range(len(numbers))]
    seeds = pd.DataFrame(numbers, columns=[f"seed{17 + seed}" for seed in range(numbers.shape[1])])
    return pd.concat([pd.DataFrame(named, columns=QUANTITY), seeds], axis=1)


def test_a_range_is_the_prediction_interval_of_one_more_run() -> None:
    row = expect(table(np.array([[100.0, 102.0, 104.0]]))).iloc[0]
    logs = np.log([100, 102, 104])
    half = 4.302653 * logs.std(ddof=1) * np.sqrt(4 / 3)  # Student's t of 2 degrees of freedom, 97.5 %
    assert row["expected"] == pytest.approx(np.exp(logs.mean()))
    assert (row["usual_low"], row["usual_high"]) == pytest.approx(
        (102 * 0.99987 / np.exp(half), 101.98693 * np.exp(half)), rel=1e-5
    )
    assert (row["low"], row["high"]) == pytest.approx((row["usual_low"], row["usual_high"]))  # of one quantity


def test_many_quantities_share_the_level() -> None:
    alone, shared = factor_of(5, 1), factor_of(5, 84)
    assert alone == pytest.approx(2.776445)
    assert 2 * stats.t.sf(shared, df=4) == pytest.approx(0.05 / 84)


@given(st.lists(st.lists(st.floats(2, 1e4), min_size=4, max_size=4), min_size=1, max_size=5), st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_ranges_scale_with_the_perplexities_and_hold_each_of_their_runs(rows: list[list[float]], factor: float) -> None:
    numbers = np.array(rows)
    one, other = expect(table(numbers)), expect(table(numbers * factor))
    for column in ("expected", "low", "high", "usual_low", "usual_high"):
        np.testing.assert_allclose(other[column], factor * one[column], rtol=1e-6)
    assert (one["low"] <= one["usual_low"]).all() and (one["usual_high"] <= one["high"]).all()
    # the farthest of n numbers is at most (n - 1) / sqrt(n) = 1.5 standard deviations from their mean
    assert (numbers >= one["usual_low"].to_numpy()[:, None] * (1 - 1e-9)).all()
    assert (numbers <= one["usual_high"].to_numpy()[:, None] * (1 + 1e-9)).all()


@pytest.mark.parametrize("together", [0.0, 0.9], ids=["independent", "correlated"])
def test_right_runs_pass_at_the_stated_rate(together: float) -> None:
    """Studies of 5 seeds, each checking a sixth: all quantities within in 95 %, in more where they move together."""
    stream, trials, quantities = np.random.default_rng(17), 200, 40
    shared = np.sqrt(together) * stream.normal(size=(trials, 1, 6))
    numbers = np.exp(4 + 0.03 * (shared + np.sqrt(1 - together) * stream.normal(size=(trials, quantities, 6))))
    passed, usual = 0, 0
    for trial in numbers:
        expected = expect(table(trial[:, :5]))
        passed += bool(((trial[:, 5] >= expected["low"]) & (trial[:, 5] <= expected["high"])).all())
        usual += int(((trial[:, 5] >= expected["usual_low"]) & (trial[:, 5] <= expected["usual_high"])).sum())
    slack = 3 * np.sqrt(0.95 * 0.05 / trials)
    assert passed / trials > 0.95 - slack
    if not together:
        assert passed / trials < 0.95 + slack
        assert usual / trials / quantities == pytest.approx(0.95, abs=0.01)


def test_leaving_one_out_finds_the_run_that_differs() -> None:
    logs = np.tile([4.0, 4.01, 4.02, 4.03, 4.8], (3, 1)) + np.random.default_rng(17).normal(0, 1e-3, (3, 5))
    found = leave_one_out(table(np.exp(logs))).set_index("seed")
    assert found["outside"].to_dict() == {"seed17": 0, "seed18": 0, "seed19": 0, "seed20": 0, "seed21": 3}


def test_quantities_of_the_papers_study() -> None:
    metrics = results_of(Truth()).metrics
    values = measure(metrics, plan_of(), "metrics.tsv").set_index(QUANTITY)["seed17"]
    generic = metrics[metrics["method"].eq("slm") & metrics["domain"].eq("generic") & metrics["budget"].eq(400)]
    assert values[(PERPLEXITY, "slm", "generic", 0, 400)] == pytest.approx(generic["perplexity"].item())
    rows = metrics[metrics["method"].eq("slm_pn") & metrics["selection"].eq("most_frequent") & metrics["size"].eq(8000)]
    rows = rows[rows["budget"] == 400]
    assert len(rows) == len(DOMAINS)
    assert values[(PERPLEXITY, "slm_pn", "macro", 8000, 400)] == pytest.approx(np.exp(rows["nll"].mean()))
    perplexities = values[PERPLEXITY]
    # 5 pretrained methods at 3 budgets with 4 stages, slm_d with 3, slm_nopt with 3 and no budget; 4 on generic text
    assert len(perplexities) == 5 * 3 * (1 + len(SIZES)) + 3 * 3 + 3 + 4 * 3
    assert values[("parameters_serve", "slm_pn", "-", 0, 0)] == 126e6
    assert values[("flops", "slm_is", "-", 0, 200)] == 200
    assert ("flops", "slm_pn", "-", 0, 200) not in values.index  # of each seed its own
    assert len(values) == len(perplexities) + 3 * 4 + 3 * 7 + 3 * 5 * 3 - 3


def test_a_fact_that_is_not_one_number_is_refused() -> None:
    metrics = results_of(Truth()).metrics
    first = metrics.index == metrics.index[metrics["domain"] == "law"][0]
    strange = metrics.assign(documents=metrics["documents"].mask(first, 49))
    with pytest.raises(UserError, match=r"documents of law is (49 and 50|50 and 49): no seed changes it"):
        measure(strange, plan_of(), "metrics.tsv")
    values = measure(metrics, plan_of(), "metrics.tsv")
    values = values.assign(seed18=values["seed17"], seed19=values["seed17"])
    values.loc[values["quantity"] == "parameters_serve", "seed19"] += 1
    with pytest.raises(UserError, match=r"parameters_serve of llm is 771000000 and 771000000 and 771000001"):
        expect(values)


def test_several_seeds_of_a_run_are_compared_by_their_geometric_mean() -> None:
    expected = expect(table(np.array([[100.0, 102.0, 104.0]])))
    found = compare(expected, table(np.array([[90.0, 110.0]]))).iloc[0]
    assert found["measured"] == pytest.approx(np.sqrt(90 * 110))
    assert found["within"] and not found["same"]


def test_other_quantities_than_expected_are_refused() -> None:
    expected = expect(table(np.array([[100.0, 102.0, 104.0]] * 2)))
    with pytest.raises(UserError, match="perplexity m1 macro 0 100 is expected but not measured"):
        compare(expected, table(np.array([[101.0]])))
    with pytest.raises(UserError, match="perplexity m2 macro 0 100 is measured but not expected"):
        compare(expected, table(np.array([[101.0]] * 3)))
