"""What stands around the panels of a figure: its finding above, notes and what is missing below.

In: words. Out: lines that fit the figure, and how much room they take.

    Frame(6.9, "LLM lowest at every budget (one seed)", [("Bars: 95% intervals", NOTE)]): 0.27 inches above, 0.13 below
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from speclm.study.curves import Panel, missing_of
from speclm.study.style import NOTE, WARNING

WIDTH = 6.9  # inches of every figure: the text width of most journals
LINE = 0.13  # of a line below the panels
HEAD, AROUND = 0.17, 0.1  # of a line of the finding, and around it
INCOMPLETE = "Some of the measurements of this figure are missing"


@dataclass(frozen=True)
class Frame:
    """The words around the panels. `lines`: below, with their colours."""

    finding: str
    lines: Sequence[tuple[str, str]]

    @property
    def above(self) -> float:
        """Inches that the finding takes."""
        return HEAD * len(self._head) + AROUND

    @property
    def below(self) -> float:
        """Inches that the lines take."""
        return LINE * len(self.lines)

    def write(self, figure: Figure) -> None:
        """Write finding and lines."""
        across, up = figure.get_size_inches()
        colour = WARNING if self.finding == INCOMPLETE else "black"
        for place, line in enumerate(self._head):
            y = 1 - (0.06 + HEAD * place) / up
            figure.text(0.1 / across, y, line, fontsize=9.5, fontweight="bold", color=colour, va="top")
        for place, (line, colour) in enumerate(reversed(self.lines)):
            figure.text(0.1 / across, (0.05 + LINE * place) / up, line, color=colour, fontsize=6.5, va="bottom")

    @property
    def _head(self) -> list[str]:
        return textwrap.wrap(self.finding.replace(" seed", "\u00a0seed"), int(11.9 * WIDTH))


def frame_of(panels: Sequence[Panel], finding: str, notes: Sequence[str]) -> Frame:
    """The frame of these panels; where measurements are missing, that is what it says first."""
    missing = sorted({name for panel in panels for name in missing_of(panel)})
    return Frame(INCOMPLETE if missing else finding, [*wrapped(notes, NOTE), *lines_of_missing(missing)])


def lines_of_missing(missing: Sequence[str]) -> list[tuple[str, str]]:
    """The first four of what is missing, and how many more."""
    if not missing:
        return []
    shown = "; ".join(missing[:4]) + (f"; and {len(missing) - 4} more" if len(missing) > 4 else "")
    return wrapped([f"Missing measurements: {shown}"], WARNING)


def wrapped(notes: Sequence[str], colour: str) -> list[tuple[str, str]]:
    """Notes as lines that fit below a figure."""
    return [(line, colour) for note in notes for line in textwrap.wrap(note, int(19 * WIDTH))]
