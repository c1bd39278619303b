"""Figures: the right numbers and axes, the same bytes, no label on another, and gaps that are named."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from speclm.stage.errors import UserError
from speclm.study.cost import HOURS, with_hours
from speclm.study.curves import Material
from speclm.study.decision import decide
from speclm.study.evidence import Evidence, gather_evidence
from speclm.study.families import FAMILIES, figures_of
from speclm.study.figures import FIGURES, MAIN_FIGURES, VARIANT_FIGURES
from speclm.study.figures import make_figure as figure_of
from speclm.study.style import LOOKS, MARKERS, Look, save_figure, shades, spread
from unit.study.made_up import (
    ABLATIONS,
    HISTOGRAMS,
    PAPER_FOLDER,
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
Drawn = Callable[[str, str], Figure]


def make_figure(name: str, evidence: Evidence, overlaid: bool = False) -> Figure:
    return figure_of(name, Material(evidence, PAPER_FOLDER, overlaid))


@pytest.fixture(scope="module")
def drawn(paper_results: Results, variant_results: Results) -> Drawn:
    """A figure of the study of the methods (""), or of the variants, drawn once for all tests that only look at it."""
    evidence = {"": paper_results.evidence, "ablations": variant_results.evidence}

    return cache(lambda study, name: make_figure(name, evidence[study]))


def points_of(figure: Figure, panel: int, method: str, look: Look | None = None) -> tuple[list[float], list[float]]:
    """Costs and perplexities of the markers of one method."""
    look = look or LOOKS[method]
    lines = [
        line
        for line in figure.axes[panel].get_lines()
        if line.get_color() == look.colour and line.get_marker() == look.marker
    ]
    line = lines[0]  # of curves that differ in dashes alone the first
    return list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata()))


def luminance(look: Look) -> float:
    """Relative luminance of a colour (Rec. 709), without gamma."""
    return float(np.dot(to_rgb(look.colour), (0.2126, 0.7152, 0.0722)))


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in [*figure.texts, *(t for axes in figure.axes for t in axes.texts)])


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
        expected = [np.exp(paper_results.evidence.on("web", "slm_pn", size, b).values[0]) for b in (100, 200, 400)]
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
    figure = drawn(study, name)
    figure.draw_without_rendering()
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    texts += [text for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label)]
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.y0 >= -1, text
        assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, text


@pytest.mark.parametrize(("study", "name"), DRAWN)
def test_labels_do_not_meet(drawn: Drawn, study: str, name: str) -> None:
    """Neither each other, nor the axes to their right."""
    figure = drawn(study, name)
    figure.draw_without_rendering()
    places = [axes.get_window_extent() for axes in figure.axes]
    for axes, place in zip(figure.axes, places, strict=True):
        boxes = [text.get_window_extent() for text in axes.texts]
        edges = [box for box in boxes if box.x0 > place.x1]
        assert not any(one.overlaps(two) for one, two in combinations(edges, 2))
        assert not any(one.overlaps(other) for one in edges for other in places)
        ticks = [text.get_window_extent() for text in axes.get_xticklabels() if text.get_text()]
        within = [box for box in ticks if place.x0 - 1 <= (box.x0 + box.x1) / 2 <= place.x1 + 1]
        assert not any(one.overlaps(two) for one, two in pairwise(within))


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


def test_variants_stand_beside_their_method_and_divided_by_it(drawn: Drawn) -> None:
    figure = drawn("ablations", "7")
    few, own, many = shades(LOOKS["slm_pn"], 3, own=1)
    assert own == LOOKS["slm_pn"]
    assert points_of(figure, 0, "slm_pn")[1] == pytest.approx([18.57, 17.76, 17.17], rel=1e-3)
    cost, perplexity = points_of(figure, 0, "slm_pn", many)
    assert cost == [200, 400, 800]
    assert perplexity == pytest.approx(np.array([18.57, 17.76, 17.17]) * np.exp(-0.01), rel=1e-3)
    for look, ratio in ((few, np.exp(0.03)), (own, 1.0), (many, np.exp(-0.01))):
        assert points_of(figure, 1, "slm_pn", look)[1] == pytest.approx([ratio] * 3)
    assert points_of(figure, 1, "slm_pn", few)[0] == pytest.approx(0.95 * np.array([100.01, 200.01, 400.01]))
    assert [text.get_text() for text in figure.axes[1].texts] == ["k = 64", "k = 32", "k = 16"]
    assert figure.axes[1].get_ylabel() == "relative to k = 32"
    assert points_of(figure, 2, "slm_pn")[0] == [100, 200, 400, 600]  # the paper's


def test_ratios_have_intervals_of_their_own() -> None:
    """A variant that is another by a constant has none; by noise, one as wide as its claim's."""
    results = results_of(Truth(extra=("slm_pn_k16", "slm_pn_k64"), noise=0.5))
    axes = make_figure("7", results.evidence).axes[1]
    ratio = results.evidence.macro("slm_pn_k16", 1000, 400) - results.evidence.macro("slm_pn", 1000, 400)
    _, low, high = np.exp(ratio.interval(0.95))
    bars = [segment for lines in axes.collections for segment in lines.get_segments()]
    assert any(bar[:, 1] == pytest.approx([low, high]) for bar in bars)
    assert sum(bar[:, 1] == pytest.approx([1, 1]) for bar in bars) == 3  # the study's own


def test_figure_5_shows_a_curve_for_each_teacher(drawn: Drawn) -> None:
    figure = drawn("ablations", "5")
    weak, _, strong = shades(LOOKS["slm_d"], 3)
    assert points_of(figure, 0, "slm_d", weak)[0] == points_of(figure, 0, "slm_d", strong)[0] == [100, 200, 400]
    assert points_of(figure, 1, "slm_d", weak)[0] == pytest.approx([200.01, 300.01, 500.01])
    assert points_of(figure, 1, "slm_d", strong)[0] == pytest.approx([500.01, 600.01, 800.01])
    said = [text.get_text() for text in figure.axes[1].texts]
    assert sorted(said) == ["SLM", "SLM-d 100", "SLM-d 200", "SLM-d 400", "SLM-mix", "SLM-pn"]


def test_figures_10_11_and_14(drawn: Drawn) -> None:
    clusters = drawn("ablations", "10")
    assert [text.get_text() for text in clusters.axes[1].texts] == ["k = 256", "k = 1,024", "k = 64", "k = 16"]
    assert points_of(clusters, 0, "slm_is")[0] == pytest.approx([100.01, 200.01, 400.01])
    assert len(clusters.axes) == 2 and "14.4" in words(clusters)
    assert next(text.get_text() for text in drawn("ablations", "11").axes[1].texts) == "k = 64"
    for name, expected in (("14a", [17.2, 15.7, 15.1]), ("14c", [11.6, 10.9, 10.3])):
        assert points_of(drawn("ablations", name), 0, "llm_lora")[1] == pytest.approx(expected)
        assert [text.get_text() for text in drawn("ablations", name).axes[1].texts] == ["LLM", "LLM-lora"]


@pytest.mark.parametrize("name", [name for name in VARIANT_FIGURES if name != "5"])
def test_a_study_without_variants_has_no_figure_of_them(paper_results: Results, name: str) -> None:
    with pytest.raises(UserError, match=f"ablations: figure {name} shows variants of .*, of which this study has none"):
        make_figure(name, paper_results.evidence)


def test_the_figures_of_a_study_are_those_of_its_variants() -> None:
    assert figures_of(plan_of()) == []
    assert figures_of(plan_of(("slm_is_k16", "llm_lora", "slm_pn_h8"))) == ["10", "14a", "14b", "14c"]
    assert figures_of(plan_of(ABLATIONS)) == VARIANT_FIGURES
    assert {name.rstrip("abc") for name in VARIANT_FIGURES} == set(FAMILIES)
    assert set(MAIN_FIGURES) | set(VARIANT_FIGURES) == set(FIGURES)


def test_a_variant_that_was_not_measured_is_named() -> None:
    truth = Truth(
        extra=("slm_is_k16", "slm_is_k1024"), without=lambda name: name.method == "slm_is_k16" and name.domain == "law"
    )
    figure = make_figure("10", results_of(truth).evidence)
    assert all(axes.get_title(loc="left").startswith("INCOMPLETE") for axes in figure.axes)
    assert "slm_is_k16 on law test, n1000, b100" in words(figure)
    assert [text.get_text() for text in figure.axes[1].texts] == ["k = 256", "k = 1,024"]


@pytest.mark.parametrize("method", LOOKS)
def test_shades_differ_in_lightness_and_marker(method: str) -> None:
    for count, own in ((1, None), (3, 1), (4, 1), (5, 4), (6, 0)):
        looks = shades(LOOKS[method], count, own)
        light = [luminance(look) for look in looks]
        assert LOOKS[method] in looks
        assert len({look.marker for look in looks}) == count <= len(MARKERS)
        gaps = [one - two for one, two in pairwise(light)]
        # black has no darker shades
        assert all(gap > 0.01 for gap in gaps) or LOOKS[method].colour == "#000000"


def test_unknown_figures(paper_results: Results) -> None:
    with pytest.raises(UserError, match='no figure "4e": did you mean "figure_4d"'):
        make_figure("4e", paper_results.evidence)
    short = replace(paper_results.evidence, plan=replace(plan_of(), sizes=(1000,)))
    with pytest.raises(UserError, match="figure 4d shows domain size number 3, the study has 1"):
        make_figure("4d", short)


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.2))
def test_spread_labels_keep_their_order_and_distance(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert np.mean(moved or [0]) == pytest.approx(np.mean(places or [0]))


def test_labels_far_apart_stay() -> None:
    assert spread([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
