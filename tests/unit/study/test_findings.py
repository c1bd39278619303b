"""What figures find in words: as the made-up numbers have it, and no more than their intervals allow."""

import pytest

from speclm.study.bootstrap import Statistic
from speclm.study.decision import decide
from speclm.study.evidence import Evidence
from speclm.study.findings import (
    UNTAUGHT,
    beside,
    lowest,
    of_cells,
    of_distillation,
    of_domains,
    of_fine_tuning,
    of_tasks,
    of_variants,
    signed,
)
from speclm.study.plan import GENERIC, Measurement
from unit.study.drawing import make_drawing
from unit.study.made_up import Results, Truth, paper_cost, paper_nll, results_of

SHARED = ("slm", "slm_mix", "slm_pn", "llm")


def macro(e: Evidence, size: int = 1000):  # type: ignore[no-untyped-def]
    return lambda name, budget: e.macro(name, size, budget)


def test_the_papers_numbers(paper_results: Results) -> None:
    e = paper_results.evidence
    assert (
        lowest(e, SHARED, e.generic, "Here")
        == "Here: LLM lowest at every budget, SLM-mix lowest of the small models (one seed)"
    )
    assert lowest(e, SHARED, e.generic, "Here", (), UNTAUGHT).endswith(
        "lowest of the small models without a teacher (one seed)"
    )
    assert lowest(e, [*SHARED, "slm_is"], macro(e), "Here") == "Here: SLM-is lowest at the largest budget (one seed)"
    assert of_domains(e, ("slm", "slm_pn"), 1000, "After 1k tokens") == (
        "After 1k tokens, lowest of the small models: SLM-pn on law and maths, SLM on web (one seed)"
    )
    assert of_distillation(e, "slm_d", "SLM-d", 64000) == (
        "SLM-d is not told apart from SLM at its student's cost, above it once its teacher is paid for (one seed)"
    )
    assert of_tasks(e, 1000) == (
        "At equal cost SLM-is is below SLM-pn with 1 domain, SLM-pn is below SLM-is with 7 and 50 domains (one seed)"
    )


def test_peers_that_are_lower_still(peer_results: Results) -> None:
    e = peer_results.evidence
    assert (
        lowest(e, ("slm", "llm"), macro(e), "Here", ["ngram", "ngram_small"])
        == "Here: LLM lowest at every budget (one seed)"
    )
    assert lowest(e, ("slm", "slm_pn"), macro(e), "Here", ["ngram", "ngram_small"]) == (
        "Here: SLM-pn lowest at every budget; n-gram lower still (one seed)"
    )


def test_what_an_interval_does_not_allow_is_not_said() -> None:
    """All methods are one: with noise none is called lower."""

    def alike(name: Measurement) -> float:
        return paper_nll(name._replace(method="slm", selection="none")) if name.method in SHARED else paper_nll(name)

    e = results_of(Truth(nll=alike, noise=0.3)).evidence
    assert lowest(e, ("slm_pn", "slm"), macro(e), "Here").endswith(
        "lowest at the largest budget, not told apart (one seed)"
    )
    assert signed(e, e.macro("slm", 1000, 400) - e.macro("slm_pn", 1000, 400)) == 0


def test_several_seeds_are_said() -> None:
    e = results_of(Truth(seeds=(17, 18, 19))).evidence
    assert lowest(e, SHARED, e.generic, "Here").endswith("(3 seeds)")


def test_beside_the_slm(paper_results: Results) -> None:
    e = paper_results.evidence
    gap = {name: [e.macro("slm", n, 400) - e.macro(name, n, 400) for n in e.plan.sizes] for name in ("llm", "slm_is")}
    worse: list[Statistic] = [-value for value in gap["llm"]]
    said = beside(e, "slm", {**gap, "slm_mix": worse, "slm_pn": [gap["llm"][0], worse[0]]})
    assert said == (
        "Against SLM at equal cost: LLM and SLM-is better at every size; SLM-mix worse at every size; SLM-pn mixed "
        "over the sizes (one seed)"
    )


def test_cells_are_counted(paper_results: Results) -> None:
    e = paper_results.evidence
    cells = decide(e)
    small = [cell.best for cell in cells if cell.inference == "small"]
    said = of_cells(e, cells)
    assert said.startswith(f"Best of the small models: SLM-is in {small.count('slm_is')} of {len(small)} cells, ")
    assert f"SLM-pn in {small.count('slm_pn')}" in said


def test_fine_tuning_costs_what_its_interval_allows() -> None:
    """The LLM takes six times as much; the others take what SLM takes."""

    def cost(name: Measurement) -> dict[str, float]:
        return {column: (6 if name.method == "llm" else 1) * flops for column, flops in paper_cost(name).items()}

    e = results_of(Truth(cost=cost)).evidence
    assert of_fine_tuning(e, SHARED, 1000) == (
        "Fine-tuning to the best validation: LLM takes 6 times what SLM takes; SLM-mix and SLM-pn not told apart from "
        "SLM (one seed)"
    )


def test_variants(variant_results: Results) -> None:
    e = variant_results.evidence
    numbers = {"slm_pn_k16": "k = 16", "slm_pn": "k = 32", "slm_pn_k64": "k = 64"}
    assert of_variants(e, numbers, "slm_pn", 1000) == (
        "SLM-pn: k = 64 lowest at the largest budget, k = 32 1.0% above it (one seed)"
    )
    lora = {"llm": "LLM", "llm_lora": "LLM-lora"}
    assert of_variants(e, lora, "llm", 1000) == "LLM lowest at the largest budget, LLM-lora 0.5% above it (one seed)"


@pytest.mark.parametrize("figure", ["3", "4b", "12"])
def test_without_documents_the_numbers_alone_decide(paper_results: Results, figure: str) -> None:
    from speclm.study.evidence import gather_evidence
    from unit.study.made_up import HISTOGRAMS

    r = paper_results
    alone = gather_evidence(r.metrics, None, HISTOGRAMS, r.plan, r.evidence.bootstrap)
    assert make_drawing(figure, alone).finding == make_drawing(figure, r.evidence).finding
    assert GENERIC not in make_drawing(figure, alone).finding
