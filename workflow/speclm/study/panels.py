"""Panels that show perplexity (or another number) against cost, and how several of them make a figure.

In: `Material` (the results, the paper's numbers), `Panel`s, each a heading, the meaning of its axes and its curves, and
what they show in words. Out: a `Drawing` in one style: log axes, costs in the unit that the results count in, methods
labelled beside the ends of their curves, intervals as bars, notes below. A measurement that is missing leaves a gap,
turns the heading into INCOMPLETE and is named below. The paper's points stand in a panel beside ours, or among ours as
hollow markers ("overlaid").

    Curve("slm", [Point(4e11, statistic of ln 20), Point(8e11, statistic of ln 18)]): two markers, at 20 and at 18
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from speclm.study.axes import finish, plain_ticks, set_limits
from speclm.study.curves import IN_PAPER, Drawing, Material, Panel, missing_of
from speclm.study.evidence import Evidence
from speclm.study.frame import WIDTH, frame_of
from speclm.study.labels import End, label_ends
from speclm.study.series import Series, covered, outlying, rows_of, series_of, shared_variation, table_of
from speclm.study.style import LOOKS, add_axes, new_figure, sheet

LEFT = 0.68  # inches before the first panel: two lines of words, and numbers
HEIGHT = 2.1  # of a panel
LABELS = 0.72  # room for the labels beside a panel
BETWEEN = 0.2  # panels of one scale
SCALE = 0.75  # before a panel with a scale of its own
PAPER = 1.25  # of the panel with the paper's points
TITLE = 0.24  # above a panel
BELOW = 0.54  # the words of an axis
PAIRED = "Bars: {level:.0%} intervals for comparing points, paired by document."
UNPAIRED = "No intervals: documents.parquet is not beside these metrics."


def draw_row(
    material: Material, panels: Sequence[Panel], finding: str, *, notes: Sequence[str] = (), paired: bool = True
) -> Drawing:
    """Our panels side by side, with one scale for equal values; labels to the right of the last; then the paper's.

    Args:
        notes: lines below. paired: bars leave out what all points share.
    """
    e = material.evidence
    beside = [] if material.overlaid else [panel for panel in panels if panel.paper][:1]
    alike = [[other for other in panels if other.value == panel.value] for panel in panels]
    shared = [shared_variation(a) if paired and not p.relative else None for p, a in zip(panels, alike, strict=True)]
    series = [[series_of(e, curve, s) for curve in p.curves] for p, s in zip(panels, shared, strict=True)]
    marked = any(curve.look for panel in panels for curve in panel.curves)
    beyond = _room_for_labels([s for some in series for s in some], marked)
    gaps = [SCALE if panel.value != panels[0].value else BETWEEN for panel in panels[1:]]
    with sheet():
        gone = sorted(
            {
                s.label
                for p, some in zip(panels, series, strict=True)
                for s in some
                if s.curve.method in _beyond(p, some)
            }
        )
        frame = frame_of(panels, finding, [*_notes(material, panels, paired), *_told(gone), *notes])
        room = WIDTH - LEFT - beyond - (PAPER + 0.4 + LABELS if beside else 0.0)
        width = (room - sum(gaps)) / len(panels)
        bottom = BELOW + 0.08 + frame.below
        figure = new_figure(WIDTH, bottom + HEIGHT + TITLE + _headroom(panels) + frame.above)
        ours: list[Axes] = []
        for place, panel in enumerate(panels):
            axes = add_axes(figure, LEFT + place * width + sum(gaps[:place]), bottom, width, HEIGHT)
            same = panel.value == panels[0].value
            if ours and same:
                axes.sharey(ours[0])
            ours.append(axes)
        for axes, panel, own in zip(ours, panels, series, strict=True):
            scale = [s for p, some in zip(panels, series, strict=True) if p.value == panel.value for s in some]
            set_limits(axes, own, scale, _hollow(material, panel), _beyond(panel, scale))
            _draw(axes, material, panel, own)
            finish(axes, panel, e.unit)
            if axes is not ours[0] and panel.value == panels[0].value:
                axes.set_ylabel("")
                axes.tick_params(labelleft=False)
        label_ends(ours[-1], _ends(series[-1]), marked)
        if beside:
            _draw_paper(add_axes(figure, WIDTH - LABELS - PAPER, bottom, PAPER, HEIGHT), beside[0])
        frame.write(figure)
    rows = [row for panel, own in zip(panels, series, strict=True) for row in rows_of(panel, own, _axis(panel, e))]
    return Drawing(figure, frame.finding, table_of(rows))


def draw_grid(
    material: Material, panels: Sequence[Panel], finding: str, columns: int = 3, notes: Sequence[str] = ()
) -> Drawing:
    """Small panels in rows, on one scale; labels to the right of every row."""
    e = material.evidence
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    height, gap = 1.6, 0.3 + _headroom(panels)
    series = [[series_of(e, curve, shared_variation([panel])) for curve in panel.curves] for panel in panels]
    everything = [s for some in series for s in some]
    beyond = _room_for_labels(everything, False)
    with sheet():
        frame = frame_of(panels, finding, [*_notes(material, panels, True), *notes])
        bottom = BELOW + 0.08 + frame.below
        top = bottom + rows * height + (rows - 1) * gap
        figure = new_figure(WIDTH, top + TITLE + _headroom(panels) + frame.above)
        width = (WIDTH - LEFT - beyond - BETWEEN * (columns - 1)) / columns
        for place, (panel, own) in enumerate(zip(panels, series, strict=True)):
            row, column = divmod(place, columns)
            low = top - height - row * (height + gap)
            axes = add_axes(figure, LEFT + column * (width + BETWEEN), low, width, height)
            set_limits(axes, everything, everything, [], outlying(everything))
            _draw(axes, material, panel, own)
            finish(axes, panel, e.unit)
            if place + columns < len(panels):
                axes.set_xlabel("")
                axes.tick_params(labelbottom=False)
            if column > 0:
                axes.set_ylabel("")
                axes.tick_params(labelleft=False)
            if column == columns - 1 or place == len(panels) - 1:
                label_ends(axes, _ends(own))
        frame.write(figure)
    lines = [line for panel, own in zip(panels, series, strict=True) for line in rows_of(panel, own, _axis(panel, e))]
    return Drawing(figure, frame.finding, table_of(lines))


def _axis(panel: Panel, e: Evidence) -> str:
    """What the places in its table are."""
    return f"{panel.cost} ({e.unit.name})"


def _headroom(panels: Sequence[Panel]) -> float:
    """Inches for a second line of headings, where one says that its panel is incomplete."""
    return 0.15 if any(missing_of(panel) for panel in panels) else 0.0


def _room_for_labels(series: Sequence[Series], marked: bool) -> float:
    longest = max((len(s.label) for s in series), default=0) + 5 * bool(outlying(series))
    return max(LABELS, 0.065 * longest + 0.07) + 0.16 * marked


def _told(gone: Sequence[str]) -> list[str]:
    """That a method leaves the axis."""
    what = (
        "beyond the axis, which shows what lies close together; its value at the largest budget stands beside its name"
    )
    return [f"{', '.join(gone)}: {what}."] if gone else []


def _beyond(panel: Panel, series: Sequence[Series]) -> set[str]:
    """The method that leaves the axis: of perplexities alone, where all others are what is compared."""
    return set() if panel.value_unit or panel.relative else outlying(series)


def _ends(series: Sequence[Series]) -> list[End]:
    return [s.end for s in series if s.end]


def _hollow(material: Material, panel: Panel) -> Sequence[pd.Series[float]]:
    """The paper's points that stand among ours."""
    return list(panel.paper.values()) if material.overlaid else []


def _draw(axes: Axes, material: Material, panel: Panel, series: Sequence[Series]) -> None:
    """Draw the curves of a panel with limits; one that others cover is wider than they, and shows on either side."""
    width, height = (math.log(high / low) for low, high in (axes.get_xlim(), axes.get_ylim()))
    for s, above in zip(series, covered(series, width, height), strict=True):
        axes.errorbar(
            s.x,
            s.y,
            yerr=np.nan_to_num(np.maximum(0, [s.y - s.low, s.high - s.y])),
            color=s.look.colour,
            marker=s.look.marker,
            linestyle=s.curve.dashes,
            linewidth=1.3 + 2.4 * above,
            markersize=3.5 + 3.2 * above,
            capsize=3.0 + 1.6 * above,  # wider than a marker, so that an interval within it shows
            elinewidth=0.8,
            capthick=0.8,
            zorder=3,
        )
        if s.end and s.curve.method in panel.flat:
            axes.axhline(s.end.y, color=s.look.colour, linestyle=(0, (4, 2)), linewidth=0.9, zorder=1)
    if material.overlaid:
        for method, points in panel.paper.items():
            _plot_paper(axes, method, points, markerfacecolor="white", linewidth=0.7, linestyle=(0, (1, 1.5)))


def _draw_paper(axes: Axes, panel: Panel) -> None:
    """The paper's points; where several are the same, the first are larger and show around the last."""
    points = [list(series.dropna().items()) for series in panel.paper.values()]
    for place, (method, series) in enumerate(panel.paper.items()):
        _plot_paper(
            axes, method, series, markersize=3.5 + 3.2 * sum(points[place] == later for later in points[place + 1 :])
        )
    axes.set_title(panel.heading_of_paper)
    axes.set_xlabel("Pretraining (GPU-hours)")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([100, 200, 400, 600], ["100", "200", "400", "600"], fontsize=7)
    axes.set_xticks([], minor=True)
    axes.set_xlim(85, 720)
    axes.margins(y=0.08)
    plain_ticks(axes)
    label_ends(
        axes, [End(float(s.index[-1]), float(s.iloc[-1]), IN_PAPER[m], LOOKS[m]) for m, s in panel.paper.items()]
    )


def _plot_paper(axes: Axes, method: str, series: pd.Series[float], **more: Any) -> None:
    look = LOOKS[method]
    axes.plot(series.index, series.to_numpy(), color=look.colour, marker=look.marker, **more)


def _notes(material: Material, panels: Sequence[Panel], paired: bool) -> list[str]:
    """What bars, dashed lines and hollow markers are."""
    e: Evidence = material.evidence
    notes = [PAIRED.format(level=e.bootstrap.level) if e.paired else UNPAIRED] if paired else []
    flat = list(dict.fromkeys(name for panel in panels for name in panel.flat))
    lines = {
        "{} at its largest budget, drawn through": [name for name in flat if e.plan.method(name).budgeted],
        "{} at no cost in FLOPs": [name for name in flat if not e.plan.method(name).budgeted],
    }
    told = [
        words.format(", ".join(e.plan.method(name).label for name in names)) for words, names in lines.items() if names
    ]
    if told:
        notes.append(f"Dashed lines: {'; '.join(told)}.")
    if material.overlaid and any(panel.paper for panel in panels):
        notes.insert(0, "Hollow: the paper's points, by A100 GPU-hours.")
    return notes
