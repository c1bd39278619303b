"""Figures drawn from made-up results, and what can be read off them."""

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
from matplotlib.figure import Figure

from speclm.study.curves import Drawing, Material
from speclm.study.evidence import Evidence
from speclm.study.figures import make_figure as drawing_of
from speclm.study.style import LOOKS, Look
from unit.study.made_up import PAPER_FOLDER

Drawn = Callable[[str, str], Drawing]


def make_drawing(name: str, evidence: Evidence, overlaid: bool = False) -> Drawing:
    return drawing_of(name, Material(evidence, PAPER_FOLDER, overlaid))


def make_figure(name: str, evidence: Evidence, overlaid: bool = False) -> Figure:
    return make_drawing(name, evidence, overlaid).figure


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


def points_in(figure: Figure) -> set[tuple[str, str]]:
    """All points that have a marker, as six digits of each number."""
    lines = [
        line
        for axes in figure.axes
        for line in axes.get_lines()
        if line.get_marker() not in ("None", "_", "|") and line.get_transform() == axes.transData
    ]
    points = [point for line in lines for point in np.asarray(line.get_xydata()) if np.isfinite(point).all()]
    return {(f"{x:.6g}", f"{y:.6g}") for x, y in points}


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in [*figure.texts, *(t for axes in figure.axes for t in axes.texts)])


def assert_within_page(figure: Figure) -> None:
    figure.draw_without_rendering()
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    texts += [text for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label)]
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.y0 >= -1, text
        assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, text


def assert_labels_apart(figure: Figure) -> None:
    """They meet neither each other, nor the axes to their right."""
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
