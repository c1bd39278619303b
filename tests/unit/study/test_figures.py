"""Figures: the right numbers and axes, the same bytes, no label on another, and gaps that are named."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speclm.stage.errors import UserError
from speclm.study.cost import HOURS, with_hours
from speclm.study.decision import decide
from speclm.study.evidence import gather_evidence
from speclm.study.figures import MAIN_FIGURES, VARIANT_FIGURES, write_figure
from speclm.study.frame import INCOMPLETE, WIDTH
from speclm.study.style import LOOKS, title_of
from unit.study.drawing import (
    Drawn,
    assert_labels_apart,
    assert_within_page,
    make_drawing,
    make_figure,
    points_in,
    points_of,
    words,
)
from unit.study.made_up import (
    HISTOGRAMS,
    Results,
    Truth,
    paper_nll,
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
    again = make_drawing(name, (variant_results if study else paper_results).evidence)
    for folder, drawing in (("one", drawn(study, name)), ("two", again)):
        write_figure(drawing, *(tmp_path / folder / f"figure{form}" for form in (".pdf", ".png", ".tsv")))
    assert title_of(tmp_path / "one/figure.png") == again.finding
    for form, stamp in (("figure.pdf", b"CreationDate"), ("figure.png", b"Software"), ("figure.tsv", b"\r")):
        first, second = ((tmp_path / folder / form).read_bytes() for folder in ("one", "two"))
        assert first == second
        assert stamp not in first


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_nothing_leaves_the_page(drawn: Drawn, study: str, name: str) -> None:
    assert_within_page(drawn(study, name).figure)


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_labels_do_not_meet(drawn: Drawn, study: str, name: str) -> None:
    assert_labels_apart(drawn(study, name).figure)


@pytest.mark.parametrize(("study", "name"), [pair for pair in DRAWN if pair[1] not in ("1", "2")])
def test_the_table_holds_the_points_that_are_drawn_and_no_others(drawn: Drawn, study: str, name: str) -> None:
    drawing = drawn(study, name)
    table = drawing.table[["x", "y"]].dropna()
    assert points_in(drawing.figure) == {(f"{x:.6g}", f"{y:.6g}") for x, y in table.itertuples(index=False)}
    within = drawing.table.dropna(subset=["low"])
    assert (within["low"] <= within["y"]).all() and (within["y"] <= within["high"]).all()
    assert set(drawing.table["source"]) <= {"measured", "paper"}


def test_the_tables_of_the_map_and_of_the_methods(drawn: Drawn, paper_results: Results) -> None:
    cells = decide(paper_results.evidence)
    table = drawn("", "1").table
    assert list(table["best"]) == [cell.best for cell in cells]
    assert list(table["margin"]) == [cell.margin.estimate for cell in cells if cell.margin]
    assert list(drawn("", "2").table["method"]) == ["slm", "slm_is", "slm_mix", "slm_pn", "slm_d", "llm"]


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_the_finding_is_the_title_and_all_are_of_one_width(drawn: Drawn, study: str, name: str) -> None:
    drawing = drawn(study, name)
    title = [text.get_text() for text in drawing.figure.texts if text.get_fontweight() == "bold"]
    assert " ".join(title).replace("\N{NO-BREAK SPACE}", " ") == drawing.finding
    assert name == "2" or drawing.finding.endswith("(one seed)")
    assert drawing.figure.get_figwidth() == WIDTH


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_which_way_is_better_is_said(drawn: Drawn, study: str, name: str) -> None:
    axes = drawn(study, name).figure.axes[0]
    assert name in ("1", "2") or re.search(r"(lower|higher) is better\)$", axes.get_ylabel())


def test_domains_have_one_scale(paper_results: Results) -> None:
    for name in ("12", "13"):
        axes = make_figure(name, paper_results.evidence).axes
        assert len({(one.get_xlim(), one.get_ylim()) for one in axes}) == 1


def test_dashes_are_labelled(paper_results: Results, peer_results: Results) -> None:
    said = [text.get_text() for text in make_figure("6", paper_results.evidence).axes[0].texts]
    assert said.count("SLM-is, N = 7") == said.count("SLM-is, N = 50") == said.count("SLM-pn, N = 1 to 50") == 1
    told = words(make_figure("4b", peer_results.evidence))
    assert "Dashed lines: SLM-is at its largest budget, drawn through; n-gram, n-gram-s at no cost in FLOPs." in told


def test_one_method_far_off_leaves_the_axis_and_is_named_with_its_value(peer_results: Results) -> None:
    figure = make_figure("4b", peer_results.evidence)
    assert "n-gram-s ↑ 50" in [text.get_text() for text in figure.axes[1].texts]
    assert figure.axes[1].get_ylim()[1] < 21 < 50
    assert "n-gram-s: beyond the axis" in words(figure)
    assert_within_page(figure)
    assert_labels_apart(figure)


def test_a_curve_that_another_covers_is_seen_on_either_side() -> None:
    """As SLM below SLM-d, which is hardly better."""
    hidden = results_of(
        Truth(nll=lambda name: paper_nll(name._replace(method="slm") if name.method == "slm_d" else name))
    )
    wide = [line for line in make_figure("5", hidden.evidence).axes[0].get_lines() if line.get_markersize() > 6]
    assert {line.get_color() for line in wide if line.get_marker() == "o"} == {LOOKS["slm"].colour}
    apart = make_figure("9a", results_of(Truth()).evidence).axes[-1].get_lines()  # the paper's, of which two are one
    assert max(line.get_markersize() for line in apart if line.get_color() == LOOKS["slm_mix"].colour) > 6


@pytest.mark.parametrize("name", ["trend", "1", "4b", "4d", "5", "6", "8", "9a", "12"])
def test_several_seeds(name: str) -> None:
    drawing = make_drawing(name, results_of(Truth(seeds=(17, 18, 19), noise=0.05)).evidence)
    assert drawing.finding.endswith("(3 seeds)")
    assert_within_page(drawing.figure)
    assert_labels_apart(drawing.figure)


def test_gaps_are_named_and_not_bridged() -> None:
    results = results_of(
        Truth(without=lambda name: (name.method, name.budget, name.size, name.domain) == ("slm_pn", 200, 1000, "law"))
    )
    drawing = make_drawing("4b", results.evidence)
    figure = drawing.figure
    assert drawing.finding == INCOMPLETE
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
