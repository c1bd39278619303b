"""Figures: the right numbers, the same bytes, no label on another, and gaps that are named."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from speclm.stage.errors import UserError
from speclm.study.figures import FIGURES, make_figure
from speclm.study.style import LOOKS, save_figure, spread
from unit.study.made_up import ROOT, Results, Truth, plan_of, results_of

PAPER = ROOT / "config/reference/paper"


def points_of(figure: Figure, panel: int, method: str) -> tuple[list[float], list[float]]:
    """Costs and perplexities of the markers of one method."""
    lines = [
        line
        for line in figure.axes[panel].get_lines()
        if line.get_color() == LOOKS[method].colour and line.get_marker() == LOOKS[method].marker
    ]
    (line,) = lines
    return list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata()))


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in [*figure.texts, *(t for axes in figure.axes for t in axes.texts)])


def test_figure_3_shows_generic_perplexity_and_the_papers(paper_results: Results) -> None:
    figure = make_figure("3", paper_results.evidence, PAPER)
    cost, perplexity = points_of(figure, 0, "slm_mix")
    assert cost == [100, 200, 400]
    assert perplexity == pytest.approx([17.13, 15.92, 15.82])
    assert points_of(figure, 1, "slm_mix") == ([100, 200, 400, 600], [17.13, 15.92, 15.82, 15.82])
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]


def test_figure_4_places_importance_sampling_at_its_own_cost(paper_results: Results) -> None:
    figure = make_figure("4b", paper_results.evidence, PAPER)
    cost, perplexity = points_of(figure, 0, "slm_is")
    assert cost == pytest.approx([100.01, 200.01, 400.01])
    assert perplexity == pytest.approx([17.5, 15.5, 14.0])
    level = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert len(level) == 1 and level[0].get_ydata()[0] == pytest.approx(14.0)


@pytest.mark.parametrize("name", FIGURES)
def test_same_results_same_bytes(paper_results: Results, name: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        figure = make_figure(name, paper_results.evidence, PAPER)
        save_figure(figure, tmp_path / folder / "figure.pdf", tmp_path / folder / "figure.png")
    for form in ("figure.pdf", "figure.png"):
        first, second = ((tmp_path / folder / form).read_bytes() for folder in ("one", "two"))
        assert first == second
    assert b"CreationDate" not in (tmp_path / "one/figure.pdf").read_bytes()
    assert b"Software" not in (tmp_path / "one/figure.png").read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_labels_do_not_meet(paper_results: Results, name: str) -> None:
    figure = make_figure(name, paper_results.evidence, PAPER)
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts if text.get_text() in words(figure)]
        edges = [box for box in boxes if box.x0 > axes.get_window_extent().x1]
        assert len(edges) >= 4
        assert not any(one.overlaps(two) for i, one in enumerate(edges) for two in edges[:i])
        assert all(box.x1 <= figure.bbox.x1 for box in edges)


def test_gaps_are_named_and_not_bridged() -> None:
    results = results_of(
        Truth(without=lambda name: (name.method, name.budget, name.size, name.domain) == ("slm_pn", 200, 1000, "law"))
    )
    figure = make_figure("4b", results.evidence, PAPER)
    assert "slm_pn (most_frequent) on law test, n1000, b200, seed17" in words(figure).replace("\n", " ")
    assert figure.axes[0].get_title(loc="left").startswith("INCOMPLETE")
    _, perplexity = points_of(figure, 0, "slm_pn")
    assert np.isnan(perplexity[1]) and not np.isnan(perplexity[2])
    assert not make_figure("4c", results.evidence, PAPER).axes[0].get_title(loc="left").startswith("INCOMPLETE")


def test_a_method_without_any_measurement_has_no_label() -> None:
    results = results_of(Truth(without=lambda name: name.method == "slm_is"))
    figure = make_figure("4b", results.evidence, PAPER)
    assert "SLM-is" not in [text.get_text() for text in figure.axes[0].texts]
    assert "slm_is on" in words(figure)


def test_unknown_figures(paper_results: Results) -> None:
    with pytest.raises(UserError, match='no figure "4e"\nRemedy: ask for one of 3, 4a'):
        make_figure("4e", paper_results.evidence, PAPER)
    short = replace(paper_results.evidence, plan=replace(plan_of(), sizes=(1000,)))
    with pytest.raises(UserError, match="figure 4d shows domain size number 3, the study has 1"):
        make_figure("4d", short, PAPER)


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.2))
def test_spread_labels_keep_their_order_and_distance(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert np.mean(moved or [0]) == pytest.approx(np.mean(places or [0]))


def test_labels_far_apart_stay() -> None:
    assert spread([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
