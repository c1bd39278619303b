"""Figures drawn from made-up results, and what can be read off them."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from speclm.study.curves import Material
from speclm.study.evidence import Evidence
from speclm.study.figures import make_figure as figure_of
from speclm.study.style import LOOKS, Look
from unit.study.made_up import (
    PAPER_FOLDER,
)

Drawn = Callable[[str, str], Figure]


def make_figure(name: str, evidence: Evidence, overlaid: bool = False) -> Figure:
    return figure_of(name, Material(evidence, PAPER_FOLDER, overlaid))


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


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in [*figure.texts, *(t for axes in figure.axes for t in axes.texts)])
