"""The decision map: what fits a budget, who is best, by how much, and what cannot be told."""

from dataclasses import replace

import numpy as np
import pytest

from speclm.study.decision import Cell, advice, decide
from speclm.study.plan import Measurement
from unit.study.made_up import Results, Truth, paper_cost, results_of

Place = tuple[str, int, int]


def cells_of(results: Results) -> dict[Place, Cell]:
    return {(cell.inference, cell.domain_budget, cell.size): cell for cell in decide(results.evidence)}


def test_one_cell_for_each_budget_and_size(paper_results: Results) -> None:
    assert len(cells_of(paper_results)) == 2 * 4 * 3


def test_the_papers_numbers_give_the_papers_tree(paper_results: Results) -> None:
    cells = cells_of(paper_results)
    assert cells["small", 0, 1000].best == "slm_pn"
    assert cells["small", 0, 1000].rival == "slm_mix"
    assert cells["small", 400, 1000].best == "slm_is"
    assert cells["large", 0, 1000].best == "llm"
    for size in (1000, 8000, 64000):
        cell = cells["small", 0, size]
        assert cell.best in cell.advised


def test_margins_are_differences_of_logs_with_paired_intervals(paper_results: Results) -> None:
    cell = cells_of(paper_results)["small", 400, 1000]
    assert cell.margin is not None
    estimate, low, high = cell.margin.interval(0.95)
    assert estimate == pytest.approx(np.log(17.17 / 14.0))  # SLM-pn, the runner-up, against SLM-is
    assert low < estimate < high < low + 0.01


def test_a_domain_that_may_cost_little_has_no_importance_sampling(paper_results: Results) -> None:
    for (_, budget, _), cell in cells_of(paper_results).items():
        if budget == 0:
            assert "slm_is" not in (cell.best, cell.rival)


def test_a_pretraining_that_costs_more_than_the_budget_does_not_fit() -> None:
    """SLM-is of 400 would be best; a domain that may cost SLM-is of 100 gets that one."""
    cells = cells_of(results_of(Truth()))
    assert cells["small", 400, 1000].best == "slm_is"
    assert cells["small", 100, 1000].best == "slm_pn"  # 17.17 against SLM-is of 100 at 17.5


def test_the_large_model_serves_no_small_inference_budget(paper_results: Results) -> None:
    small = [cell for cell in decide(paper_results.evidence) if cell.inference == "small"]
    assert not any("llm" in (cell.best, cell.rival) for cell in small)


def test_what_is_missing_is_named_where_it_could_matter() -> None:
    missing = Measurement("slm_pn", "most_frequent", "web", 1000, 200, 17, "test")
    cells = cells_of(results_of(Truth(without=lambda name: name == missing)))
    assert cells["small", 0, 1000].missing == (str(missing),)
    assert cells["small", 0, 8000].missing == ()


def test_in_noise_the_interval_holds_zero() -> None:
    close = Truth(noise=4.0)
    cell = cells_of(results_of(close))["small", 0, 64000]
    assert cell.margin is not None
    _, low, high = cell.margin.interval(0.95)
    assert low < 0 < high


def test_one_method_has_no_rival(paper_results: Results) -> None:
    plan = paper_results.plan
    evidence = replace(paper_results.evidence, plan=replace(plan, methods=plan.methods[:1]))
    assert {(cell.best, cell.rival, cell.margin) for cell in decide(evidence)} == {("slm", None, None)}


def test_nothing_measured_leaves_a_cell_without_a_best() -> None:
    results = results_of(Truth(without=lambda name: name.size == 8000))
    cells = cells_of(results)
    assert cells["small", 0, 8000].best is None and cells["small", 0, 8000].missing
    assert cells["small", 0, 1000].best == "slm_pn"


def test_costs_decide_what_fits() -> None:
    """Free importance sampling fits even where fine-tuning alone does."""

    def free(name: Measurement) -> dict[str, float]:
        return {**paper_cost(name), "flops_specialize": 0.0} if name.method == "slm_is" else paper_cost(name)

    assert cells_of(results_of(Truth(cost=free)))["small", 0, 1000].best == "slm_is"


def test_the_papers_tree() -> None:
    assert advice("large", 0) == advice("large", 400) == ("llm",)
    assert advice("small", 400) == ("slm_is",)
    assert advice("small", 0) == ("slm_pn", "slm_mix")
