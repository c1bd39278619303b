"""How figures look: one style sheet, one colour and marker for each method, labels that never meet.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; markers differ too, so that a grey print serves.
Figures are made without a display, and equal data gives equal bytes: no dates and no program's version in the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from speclm.stage.files import atomic


@dataclass(frozen=True)
class Look:
    """Colour and marker of one method."""

    colour: str
    marker: str


LOOKS: Mapping[str, Look] = {
    "slm": Look("#0072B2", "o"),
    "slm_mix": Look("#E69F00", "s"),
    "slm_pn": Look("#009E73", "D"),
    "llm": Look("#000000", "^"),
    "slm_is": Look("#D55E00", "v"),
    "slm_d": Look("#CC79A7", "P"),
    "slm_nopt": Look("#56B4E9", "X"),
    "llm_lora": Look("#7F7F7F", "<"),
    "ngram": Look("#5E4B3C", "*"),
    "ngram_small": Look("#A07855", "p"),
}
MARKERS = "osD^vP<>X"
WARNING = "#B00020"
NOTE = "#606060"
LINE = 0.14  # inches that one line of a label takes

SHEET: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "speclm",
    "savefig.dpi": 200,
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this many inches, drawn by Agg. Call inside `sheet()`."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place given in inches, so that the room for labels beside them is known."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def sheet() -> Any:
    """The context in which figures are made and saved."""
    settings: Any = {**mpl.rcParamsDefault, **SHEET}
    return mpl.rc_context(settings)


def save_figure(figure: Figure, pdf: Path, png: Path) -> None:
    """Write both forms; equal figures are equal bytes."""
    with sheet():
        with atomic(pdf) as temporary:
            figure.savefig(temporary, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
        with atomic(png) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})


def shades(look: Look, count: int, own: int | None = None) -> list[Look]:
    """Looks of `count` variants of a method, from light to dark; the one at `own`, or in the middle, is its own.

    Lightness alone tells them from each other, for every eye and in print, and so do their markers.
    """
    centre = own if own is not None else count // 2
    others = [marker for marker in MARKERS if marker != look.marker]
    looks = []
    for place in range(count):
        steps = place - centre
        if not steps:
            looks.append(look)
            continue
        share = 1 - 0.62 ** abs(steps)
        red, green, blue = (value + share * ((steps < 0) - value) for value in to_rgb(look.colour))
        looks.append(Look(to_hex((red, green, blue)), others[(place - (steps > 0)) % len(others)]))
    return looks


def label_at_right(axes: Axes, labels: Sequence[tuple[float, str, Look]], marked: bool = False) -> None:
    """Write (y, text, look) beside the right edge of the axes, each near its y and none on another.

    `marked`: in black after the marker, where several curves share a colour.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = sorted(
        ((float(to_axes.transform((1, y))[1]), text, look) for y, text, look in labels), key=lambda label: label[:2]
    )
    line = axes.transAxes.inverted().transform(axes.figure.dpi_scale_trans.transform((0, LINE)))[1]
    line -= axes.transAxes.inverted().transform((0, 0))[1]
    beside = axes.transAxes + ScaledTranslation(8 / 72, 0, axes.figure.dpi_scale_trans)
    for place, (_, text, look) in zip(spread([y for y, _, _ in wanted], line), wanted, strict=True):
        if marked:
            axes.plot([1], [place], color=look.colour, marker=look.marker, transform=beside, clip_on=False)
        axes.annotate(
            text,
            (1, place),
            (15 if marked else 3, 0),
            "axes fraction",
            textcoords="offset points",
            color="black" if marked else look.colour,
            va="center",
            ha="left",
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
