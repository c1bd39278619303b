"""The plan names every measurement of a complete run, and no other."""

from speclm.study.plan import expected_measurements, missing_measurements
from unit.study.made_up import BUDGETS, DOMAINS, SIZES, Results, plan_of


def test_methods_are_measured_where_they_can_be() -> None:
    names = expected_measurements(plan_of())
    assert len(names) == len(set(names))
    assert {name.method for name in names if name.domain == "generic"} == {"slm", "llm", "slm_mix", "slm_pn"}
    assert {name.method for name in names if name.size == 0} == {"slm", "llm", "slm_mix", "slm_pn", "slm_is"}
    assert {name.budget for name in names if name.method == "slm_nopt"} == {0}
    assert sum(name.method == "slm" for name in names) == len(BUDGETS) * (1 + len(DOMAINS) * (1 + len(SIZES)))


def test_every_expert_is_finetuned_only_where_asked() -> None:
    names = [name for name in expected_measurements(plan_of()) if name.selection == "best_finetuned"]
    assert {(name.size, name.budget) for name in names} == {(1000, 400)}


def test_a_gap_is_named(paper_results: Results) -> None:
    metrics = paper_results.metrics
    assert missing_measurements(metrics, paper_results.plan) == []
    gap = metrics.index[(metrics["method"] == "slm_is") & (metrics["size"] == 8000) & (metrics["domain"] == "law")]
    named = [str(name) for name in missing_measurements(metrics.drop(gap[:1]), paper_results.plan)]
    assert named == ["slm_is on law test, n8000, b100, seed17"]
