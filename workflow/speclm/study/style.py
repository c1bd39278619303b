"""How figures look: one style sheet, one colour and marker for each method.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; markers differ too, so that a grey print serves.
Figures are made without a display, and equal data gives equal bytes: no dates and no program's version in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

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


def save_figure(figure: Figure, title: str, pdf: Path, png: Path) -> None:
    """Write both forms, with their title in them; equal figures are equal bytes."""
    undated = {"CreationDate": None, "Creator": None, "Producer": None}
    with sheet():
        with atomic(pdf) as temporary:
            figure.savefig(temporary, format="pdf", metadata={**undated, "Title": title})
        with atomic(png) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None, "Title": title})


def title_of(png: Path) -> str:
    """The title in an image, empty where it has none."""
    with Image.open(png) as image:
        return str(image.info.get("Title", ""))


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
