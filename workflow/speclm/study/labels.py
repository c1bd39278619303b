"""Labels beside the ends of curves: each near the end that it names, none on another.

In: `End`s, where curves end and what they are called. Out: a column of labels at the right edge of the axes, moved
apart as little as needed; a thin line leads from an end that is not there to its label.

    SLM at 17.2 and SLM-pn at 17.3: two labels, a line apart
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from speclm.study.style import Look

LINE = 0.14  # inches that one line of a label takes
TOUCHING = 0.03  # of the axes' length: from here on no line leads to a label


class End(NamedTuple):
    """The last point of a curve, in data; x is not a number for a horizontal line, which ends at the edge."""

    x: float
    y: float
    text: str
    look: Look


def label_ends(axes: Axes, ends: Sequence[End], marked: bool = False) -> None:
    """Write the labels, when the axes have their limits. What lies beyond them is labelled at its edge, with its value.

    `marked`: in black after the marker, where several curves share a colour.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    edge = axes.get_xlim()[1]
    named = {(end.text, end.look): end for end in ends}.values()  # once, though several curves may have the name
    ends_in_axes = [(to_axes.transform((edge if isnan(x) else x, y)), text, y, look) for x, y, text, look in named]
    placed = sorted((float(up), float(across), text, y, look) for (across, up), text, y, look in ends_in_axes)
    upright = axes.figure.dpi_scale_trans.transform((0, LINE))[1] / axes.get_window_extent().height
    beside = axes.transAxes + ScaledTranslation(8 / 72, 0, axes.figure.dpi_scale_trans)
    heights = spread([min(1.0, max(0.0, end)) for end, *_ in placed], upright)
    for height, (end, across, text, y, look) in zip(heights, placed, strict=True):
        if marked:
            axes.plot([1], [height], color=look.colour, marker=look.marker, transform=beside, clip_on=False)
        beyond = f" {'↑' if end > 1 else '↓'} {y:.3g}" if not -0.01 <= end <= 1.01 else ""
        axes.annotate(
            text + beyond,
            (1, height),
            (15 if marked else 4, 0),
            "axes fraction",
            textcoords="offset points",
            color="black" if marked else look.colour,
            va="center",
            ha="left",
        )
        if not beyond and (across < 1 - TOUCHING or abs(height - end) > TOUCHING):
            axes.plot(
                *([across, 1], [end, height]),
                transform=axes.transAxes,
                clip_on=False,
                color=look.colour,
                linewidth=0.5,
                alpha=0.6,
                zorder=1.5,
            )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move ascending places as little as needed to be at least `gap` apart: (0.5, 0.5) by 0.1 gives (0.45, 0.55)."""
    groups: list[tuple[float, int]] = []  # centre and number of the members of every group that touches
    for place in places:
        groups.append((place, 1))
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < gap * (groups[-1][1] + groups[-2][1]) / 2 - 1e-12:
            (one, n), (two, m) = groups[-2], groups[-1]
            groups[-2:] = [((one * n + two * m) / (n + m), n + m)]
    return [centre + gap * (i - (n - 1) / 2) for centre, n in groups for i in range(n)]
