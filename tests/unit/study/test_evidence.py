"""What the results are asked, and the files that they refuse: rows twice, rows of another run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.study.cost import HOURS, with_hours
from speclm.study.evidence import Evidence, gather_evidence
from unit.study.made_up import HISTOGRAMS, Results, Truth, paper_nll, results_of, timings_of


def gathered(results: Results, metrics: pd.DataFrame | None = None, documents: pd.DataFrame | None = None) -> Evidence:
    metrics = results.metrics if metrics is None else metrics
    documents = results.documents if documents is None else documents
    return gather_evidence(metrics, documents, HISTOGRAMS, results.plan, results.evidence.bootstrap)


def test_a_row_that_stands_twice_is_refused(paper_results: Results) -> None:
    twice = pd.concat([paper_results.metrics, paper_results.metrics.iloc[[5]]])
    with pytest.raises(UserError, match=r"metrics\.tsv: stand twice: llm on law test"):
        gathered(paper_results, metrics=twice)
    documents = pd.concat([paper_results.documents, paper_results.documents.iloc[[0]]])
    with pytest.raises(UserError, match=r"documents\.parquet: stand twice: llm on generic heldout"):
        gathered(paper_results, documents=documents)


def test_a_row_of_another_run_is_refused_by_name(paper_results: Results) -> None:
    metrics = paper_results.metrics.copy()
    metrics.loc[5, "nll"] += 1e-4
    with pytest.raises(
        UserError, match=r"not the number that documents\.parquet gives: llm on law test.*\nRemedy: use"
    ):
        gathered(paper_results, metrics=metrics)


def test_a_row_that_is_missing_in_either_file_is_missing(paper_results: Results) -> None:
    fewer = paper_results.metrics.loc[paper_results.metrics["domain"] != "law"]
    assert any("on law" in name for name in gathered(paper_results, metrics=fewer).macro("slm", 1000, 100).missing)
    some = paper_results.documents.loc[paper_results.documents["domain"] != "law"]
    assert any("on law" in name for name in gathered(paper_results, documents=some).macro("slm", 1000, 100).missing)


def test_without_documents_numbers_have_no_intervals(paper_results: Results) -> None:
    r = paper_results
    evidence = gather_evidence(r.metrics, None, None, r.plan, r.evidence.bootstrap)
    estimate, low, high = evidence.macro("slm", 1000, 400).interval(0.95)
    assert np.exp(estimate) == pytest.approx(18.22)
    assert np.isnan([low, high]).all()
    assert not evidence.paired and not evidence.entropy


def test_costs_in_hours_are_the_seconds_of_the_timings(paper_results: Results) -> None:
    r = paper_results
    table = with_hours(r.metrics, timings_of(r))
    evidence = gather_evidence(table, r.documents, HISTOGRAMS, r.plan, r.evidence.bootstrap, HOURS)
    shared, own = evidence.costs("llm", 8000, 400) or (0.0, 0.0)
    assert (shared, own) == pytest.approx((400 * 7.7e-9, 8000 * 7.7e-9))
    assert evidence.generic_cost("slm_pn", 100) == pytest.approx(100 * 3.6e-9)
    # all of the made-up fine-tuning goes to its best validation
    assert np.exp(evidence.log_finetuning_cost("slm", 8000, 400).estimate) == pytest.approx(8000 * 2.2e-9)


def test_a_method_without_pretraining_costs_the_same_at_every_budget(paper_results: Results) -> None:
    assert paper_results.evidence.costs("slm_nopt", 8000, 400) == (0.0, pytest.approx(0.1))


def test_experts_are_counted_by_their_parameters(paper_results: Results) -> None:
    assert paper_results.evidence.experts("slm_mix") == 2


def test_a_margin_is_at_equal_cost_or_at_equal_tokens(paper_results: Results) -> None:
    """Of one budget both have seen as much; of two, the curve of the one that saw more is read at the fewer tokens."""
    e = paper_results.evidence
    equal = replace(e, equal_tokens=True)
    same = [it.lead(it.generic, ("slm_pn", 200), ("slm", 200)).estimate for it in (e, equal)]
    assert same[0] == pytest.approx(same[1])
    other = equal.lead(e.generic, ("slm_pn", 400), ("slm", 200))
    assert other.estimate == pytest.approx((e.generic("slm", 200) - e.generic("slm_pn", 200)).estimate)
    assert not other.at_least and not other.at_most
    assert equal.lead(e.generic, ("slm", 400), ("slm", 200)).missing
    nothing_seen = equal.lead(lambda name, b: e.macro(name, 1000, b), ("slm", 400), ("slm_nopt", 400))
    assert nothing_seen.missing == ("SLM at 0 tokens of pretraining", "SLM-nopt at 0 tokens of pretraining")


def test_seeds_are_stacked_in_the_order_of_the_plan() -> None:
    r = results_of(Truth(nll=lambda name: paper_nll(name) + 0.01 * (name.seed - 17), seeds=(17, 18, 19)))
    macro = r.evidence.macro("slm", 1000, 400)
    assert macro.values[:, 0] - np.log(18.22) == pytest.approx([0, 0.01, 0.02])
    assert r.evidence.seeds == 3
    lead = r.evidence.lead(r.evidence.generic, ("llm", 400), ("slm", 400))  # seeds are paired: the same with each
    assert lead.values[:, 0] == pytest.approx([lead.estimate] * 3)


def test_how_far_experts_have_parted(paper_results: Results) -> None:
    assert paper_results.evidence.expert_spread("slm_pn", 1000, 400).interval(0.95) == pytest.approx((0.1, 0.1, 0.1))
    assert paper_results.evidence.expert_spread("slm_pn", 8000, 200).missing  # chosen so at the largest budget only
