"""The plan names every measurement of a complete run, and no other."""

from speclm.stage.files import read_table
from speclm.study.plan import choose_methods, expected_measurements, missing_measurements
from unit.study.made_up import BUDGETS, DOMAINS, ROOT, SIZES, Results, plan_of

VARIANTS = [
    {"method": name, "of": of, "label": name.upper(), "change": change, "pretraining": pretraining, "teacher": teacher}
    for name, of, change, pretraining, teacher in (
        ("slm_pn_k4", "slm_pn", {"models.slm_pn.experts": [32, 4]}, "slm_pn_k4", "-"),
        ("slm_is_k16", "slm_is", {"models.slm_is.clusters": [64, 16]}, "slm_is_k16", "-"),
        ("slm_d_t100", "slm_d", {"distill.teacher_budget": [None, 100]}, "slm", "llm"),
    )
]


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


def test_variants_are_methods_measured_by_the_default_choice_of_their_base() -> None:
    table = read_table(ROOT / "config/methods.tsv")
    experts, clusters, taught = choose_methods(table, ["slm_pn"], VARIANTS)[1:]
    assert [method.name for method in (experts, clusters, taught)] == ["slm_pn_k4", "slm_is_k16", "slm_d_t100"]
    assert (experts.of, experts.label, experts.selections) == ("slm_pn", "SLM_PN_K4", ("most_frequent",))
    assert experts.change == {"models.slm_pn.experts": (32, 4)}
    assert [method.generic for method in (experts, clusters, taught)] == [True, False, False]
    assert [method.before for method in (experts, clusters, taught)] == [True, True, False]
    assert all(method.budgeted for method in (experts, clusters, taught))


def test_methods_of_the_study_are_variants_of_nothing() -> None:
    assert all(method.of == method.name and method.change == {} for method in plan_of().methods)
