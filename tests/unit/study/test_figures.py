"""Figures: the right numbers and axes, the same bytes, no label on another, and gaps that are named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speclm.stage.errors import UserError
from speclm.study.cost import HOURS, with_hours
from speclm.study.decision import decide
from speclm.study.evidence import gather_evidence
from speclm.study.figures import MAIN_FIGURES, VARIANT_FIGURES
from speclm.study.style import LOOKS, save_figure
from unit.study.drawing import Drawn, assert_labels_apart, assert_within_page, make_figure, points_of, words
from unit.study.made_up import (
    HISTOGRAMS,
    Results,
    Truth,
    plan_of,
    results_of,
    timings_of,
)

# every figure by the study that it is of
DRAWN = [*(("", name) for name in MAIN_FIGURES), *(("ablations", name) for name in VARIANT_FIGURES)]
# one of each kind; all of the published study are compared with the committed files in test_published
ALIKE = [pair for pair in DRAWN if pair[1] not in ("4b", "4c", "4d", "9b", "9c", "11", "13", "14b", "14c")]


def test_figure_3_shows_generic_perplexity_and_the_papers(paper_results: Results) -> None:
    figure = make_figure("3", paper_results.evidence)
    cost, perplexity = points_of(figure, 0, "slm_mix")
    assert cost == [100, 200, 400]
    assert perplexity == pytest.approx([17.13, 15.92, 15.82])
    assert points_of(figure, 1, "slm_mix") == ([100, 200, 400, 600], [17.13, 15.92, 15.82, 15.82])
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]


def test_figure_4_shows_importance_sampling_as_a_line_and_at_its_own_cost(paper_results: Results) -> None:
    figure = make_figure("4b", paper_results.evidence)
    shared, whole, paper = figure.axes
    assert shared.get_xlabel().startswith("Generic pretraining") and whole.get_xlabel().startswith("Total for one")
    assert points_of(figure, 0, "slm_mix")[0] == [100, 200, 400]
    assert points_of(figure, 1, "slm_mix")[0] == pytest.approx([100.01, 200.01, 400.01])
    assert np.isnan(points_of(figure, 0, "slm_is")[0]).all()
    cost, perplexity = points_of(figure, 1, "slm_is")
    assert cost == pytest.approx([100.01, 200.01, 400.01])
    assert perplexity == pytest.approx([17.5, 15.5, 14.0])
    for axes in (shared, whole):
        level = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
        assert len(level) == 1 and level[0].get_ydata()[0] == pytest.approx(14.0)
    assert paper.get_title(loc="left") == "Paper: 1M tokens"


def test_figure_5_leaves_the_teacher_out_and_in(paper_results: Results) -> None:
    figure = make_figure("5", paper_results.evidence)
    assert points_of(figure, 0, "slm_d")[0] == [100, 200, 400]
    assert points_of(figure, 1, "slm_d")[0] == pytest.approx([200.01, 400.01, 800.01])


def test_figure_6_counts_a_pretraining_once_or_for_every_task(paper_results: Results) -> None:
    lines = make_figure("6", paper_results.evidence).axes[0].get_lines()
    cost = {
        (method, line.get_linestyle()): list(np.asarray(line.get_xdata()))
        for method in ("slm_pn", "slm_is")
        for line in lines
        if line.get_color() == LOOKS[method].colour and line.get_marker() == LOOKS[method].marker
    }
    assert cost["slm_pn", ":"] == pytest.approx([100.5, 200.5, 400.5])
    assert cost["slm_is", "--"] == pytest.approx([700.07, 1400.07, 2800.07])
    assert cost["slm_is", ":"] == pytest.approx([5000.5, 10000.5, 20000.5])


def test_figure_8_charges_one_expert(paper_results: Results) -> None:
    figure = make_figure("8", paper_results.evidence)
    assert points_of(figure, 0, "slm_mix")[0] == pytest.approx([50.01, 100.01, 200.01])  # of two experts
    assert "one expert" in words(figure)


def test_figure_9_shows_the_cost_of_fine_tuning(paper_results: Results) -> None:
    for name, tuning in (("9a", 0.01), ("9b", 0.1), ("9c", 1.0)):
        assert points_of(make_figure(name, paper_results.evidence), 0, "slm")[1] == pytest.approx([tuning] * 3)
    assert points_of(make_figure("9c", paper_results.evidence), 2, "llm") == ([650], [3.5])


def test_figures_12_and_13_show_every_domain(paper_results: Results) -> None:
    for name, size in (("12", 1000), ("13", 0)):
        figure = make_figure(name, paper_results.evidence)
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["law", "maths", "web"]
        expected = [np.exp(paper_results.evidence.on("web", "slm_pn", size, b).estimate) for b in (100, 200, 400)]
        assert points_of(figure, 2, "slm_pn")[1] == pytest.approx(expected)


def test_the_unit_of_costs_is_selectable(paper_results: Results) -> None:
    table = with_hours(paper_results.metrics, timings_of(paper_results))
    r = paper_results
    evidence = gather_evidence(table, r.documents, HISTOGRAMS, r.plan, r.evidence.bootstrap, HOURS)
    figure = make_figure("3", evidence)
    assert points_of(figure, 0, "llm")[0] == pytest.approx(np.array([100, 200, 400]) * 7.7e-9)
    assert "device-hours" in figure.axes[0].get_xlabel()
    assert "FLOPs" in make_figure("3", r.evidence).axes[0].get_xlabel()


def test_the_papers_points_may_stand_among_ours(paper_results: Results) -> None:
    figure = make_figure("4b", paper_results.evidence, overlaid=True)
    assert len(figure.axes) == 2
    hollow = [line for line in figure.axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert len(hollow) == 4 and list(hollow[0].get_xdata()) == [100, 200, 400]


@pytest.mark.parametrize(("study", "name"), ALIKE)
def test_same_results_same_bytes(
    drawn: Drawn, paper_results: Results, variant_results: Results, study: str, name: str, tmp_path: Path
) -> None:
    again = make_figure(name, (variant_results if study else paper_results).evidence)
    for folder, figure in (("one", drawn(study, name)), ("two", again)):
        save_figure(figure, tmp_path / folder / "figure.pdf", tmp_path / folder / "figure.png")
    for form, stamp in (("figure.pdf", b"CreationDate"), ("figure.png", b"Software")):
        first, second = ((tmp_path / folder / form).read_bytes() for folder in ("one", "two"))
        assert first == second
        assert stamp not in first


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_nothing_leaves_the_page(drawn: Drawn, study: str, name: str) -> None:
    assert_within_page(drawn(study, name))


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_labels_do_not_meet(drawn: Drawn, study: str, name: str) -> None:
    assert_labels_apart(drawn(study, name))


def test_gaps_are_named_and_not_bridged() -> None:
    results = results_of(
        Truth(without=lambda name: (name.method, name.budget, name.size, name.domain) == ("slm_pn", 200, 1000, "law"))
    )
    figure = make_figure("4b", results.evidence)
    assert "slm_pn (most_frequent) on law test, n1000, b200, seed17" in words(figure).replace("\n", " ")
    assert figure.axes[0].get_title(loc="left").startswith("INCOMPLETE")
    _, perplexity = points_of(figure, 0, "slm_pn")
    assert np.isnan(perplexity[1]) and not np.isnan(perplexity[2])
    assert not make_figure("4c", results.evidence).axes[0].get_title(loc="left").startswith("INCOMPLETE")


def test_a_figure_of_what_an_older_run_did_not_measure_says_so(paper_results: Results) -> None:
    evidence = paper_results.evidence
    older = replace(evidence, metrics=evidence.metrics.drop(columns="flops_to_best"))
    figure = make_figure("9a", older)
    assert figure.axes[0].get_title(loc="left").startswith("INCOMPLETE")
    assert "not measured" in words(figure) and "flops_to_best" in words(figure)


def test_figure_1_without_a_measurement_is_incomplete() -> None:
    results = results_of(Truth(without=lambda name: (name.method, name.size, name.domain) == ("slm_pn", 1000, "law")))
    figure = make_figure("1", results.evidence)
    assert figure.axes[1].get_title(loc="left").startswith("INCOMPLETE")
    assert "SLM-mix ?" in words(figure) and "LLM ?" in words(figure)
    assert "slm_pn (most_frequent) on law test, n1000" in words(figure).replace("\n", " ")


def test_without_documents_there_are_no_bars_and_it_is_said(paper_results: Results) -> None:
    r = paper_results
    evidence = gather_evidence(r.metrics, None, None, r.plan, r.evidence.bootstrap)
    figure = make_figure("4b", evidence)
    assert "No intervals" in words(figure)
    assert points_of(figure, 1, "slm_is")[1] == pytest.approx([17.5, 15.5, 14.0])
    assert all(np.isnan(cell.margin.interval(0.95)[1]) for cell in decide(evidence) if cell.margin)


def test_a_method_without_any_measurement_has_no_label() -> None:
    results = results_of(Truth(without=lambda name: name.method == "slm_is"))
    figure = make_figure("4b", results.evidence)
    assert "SLM-is" not in [text.get_text() for text in figure.axes[0].texts]
    assert "slm_is on" in words(figure)


def test_unknown_figures(paper_results: Results) -> None:
    with pytest.raises(UserError, match='no figure "4e": did you mean "figure_4d"'):
        make_figure("4e", paper_results.evidence)
    short = replace(paper_results.evidence, plan=replace(plan_of(), sizes=(1000,)))
    with pytest.raises(UserError, match="figure 4d shows domain size number 3, the study has 1"):
        make_figure("4d", short)
