"""Relative costs as set and as measured: the paper's own times, and what is said where a machine differs."""

from pathlib import Path

import pandas as pd
import pytest

from speclm.study.layout import to_markdown
from speclm.study.plan import make_plan
from speclm.study.relative_cost import TOLERANCE, compare_costs, in_words, seconds_a_token, write_words
from speclm.study.throughput import throughput
from unit.study.made_up import MODELS, STUDY, Results, plan_of, sources_of, timings_of
from unit.study.test_figure_trend import METHODS

PAPER = MODELS.relative_cost


def costs(results: Results, timings: pd.DataFrame) -> pd.DataFrame:
    return compare_costs(PAPER, results.metrics, timings, results.plan)


def test_the_papers_times_give_the_papers_costs(paper_results: Results) -> None:
    found = costs(paper_results, timings_of(paper_results))
    assert found.index.tolist() == list(PAPER)
    assert found["measured"].to_dict() == pytest.approx(PAPER, rel=3e-3)
    words = in_words(found, "A100")
    assert "on A100: SLM 1.00, LLM 3.50, SLM-mix 1.00, SLM-pn 1.64, SLM-is 1.00. Within 15%" in words


def test_a_cost_far_from_what_this_machine_measures_is_told_and_not_corrected(paper_results: Results) -> None:
    timings = timings_of(paper_results)
    timings.loc[timings["method"] == "slm_pn", "seconds_generic"] *= 1.3
    found = costs(paper_results, timings)
    assert found.loc["slm_pn", "chosen"] == 1.64
    words = in_words(found, "this")
    assert "More than 15% from what is set (pretrain.relative_cost): SLM-pn 2.13, set to 1.64 (+30%)." in words
    assert "LLM 3.50, set" not in words and "told, not corrected" in words
    table = throughput(sources_of(paper_results, timings))
    assert "SLM-pn 2.13, set to 1.64" in to_markdown(table)
    assert table.shown.set_index("model").loc["SLM-pn", ["pretraining", "relative cost, set"]].tolist() == [
        *("4.68 (2.13x)", "1.64x"),
    ]


@pytest.mark.parametrize(("factor", "told"), [(1 + TOLERANCE - 0.01, False), (1 + TOLERANCE + 0.01, True), (0.8, True)])
def test_what_counts_as_far(paper_results: Results, factor: float, told: bool) -> None:
    timings = timings_of(paper_results)
    timings.loc[timings["method"] == "llm", "seconds_generic"] *= factor
    assert ("LLM" in in_words(costs(paper_results, timings), "this").partition("More than")[2]) == told


def test_only_the_largest_budget_counts_and_importance_sampling_before_fine_tuning(paper_results: Results) -> None:
    timings = timings_of(paper_results)
    small = timings["budget"] < 400
    tuned = (timings["method"] == "slm_is") & (timings["size"] > 0)
    timings.loc[small | tuned, ["seconds_generic", "seconds_specialize"]] = 1e6
    assert costs(paper_results, timings)["measured"].to_dict() == pytest.approx(PAPER, rel=3e-3)
    seconds = seconds_a_token(paper_results.metrics, timings, paper_results.plan)
    assert sorted(seconds) == sorted(PAPER)  # slm_d and slm_nopt have no pretraining of their own


def test_without_the_slm_there_is_nothing_to_compare_with(paper_results: Results, tmp_path: Path) -> None:
    metrics = paper_results.metrics.query("method != 'slm'")
    plan = make_plan({**STUDY, "methods": ["llm"], "variants": []}, METHODS)
    write_words(PAPER, metrics, timings_of(paper_results), plan, tmp_path / "relative_cost.txt")
    assert (tmp_path / "relative_cost.txt").read_text().startswith("The SLM's pretraining was not timed")
    assert plan_of().methods[0].name == "slm"
