"""Panels that show perplexity (or another number) against cost, and how several of them make a figure.

In: `Material` (the results, the paper's numbers) and `Panel`s, each a heading, the meaning of its axes and its curves.
Out: a figure in one style: log axes, costs in the unit that the results count in, methods labelled beside their
curves, intervals as bars, notes below. A measurement that is missing leaves a gap, turns the heading into INCOMPLETE
and is named below. The paper's points stand in a panel beside ours, or among ours as hollow markers ("overlaid").

    Curve("slm", [Point(4e11, statistic of ln 20), Point(8e11, statistic of ln 18)]): two markers, at 20 and at 18
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from speclm.study.bootstrap import Statistic, mean
from speclm.study.cost import Unit
from speclm.study.curves import IN_PAPER, Curve, Material, Panel, Point
from speclm.study.evidence import Evidence
from speclm.study.style import LOOKS, NOTE, WARNING, Look, add_axes, label_at_right, new_figure, sheet

WIDTH = 6.9  # inches: the text width of most journals
HEIGHT = 2.1  # of a panel
LABELS = 0.72  # room for the labels beside a panel
BETWEEN = 0.2  # panels of one scale
SCALE = 0.62  # before a panel with a scale of its own
LINE = 0.13  # of a line below the panels
PAIRED = "Bars: {level:.0%} intervals for comparing points, paired by document."
UNPAIRED = "No intervals: documents.parquet is not beside these metrics."


def draw_row(
    material: Material,
    panels: Sequence[Panel],
    *,
    notes: Sequence[str] = (),
    paired: bool = True,
    styles: Mapping[str, str] | None = None,
) -> Figure:
    """Our panels side by side, with one scale for equal values; labels to the right of the last; then the paper's.

    Args:
        notes: lines below. styles: text by dashes, where curves of one method differ in them. paired: bars leave out
            what all points share.
    """
    e = material.evidence
    published = [panel for panel in panels if panel.paper]
    beside = [] if material.overlaid else published
    if published and material.overlaid:
        notes = ["Hollow: the paper's points, by A100 GPU-hours.", *notes]
    marked = any(curve.look for panel in panels for curve in panel.curves)
    beyond = _room_for_labels(e, panels, marked)
    gaps = [SCALE if panel.value != panels[0].value else BETWEEN for panel in panels[1:]]
    with sheet():
        room = WIDTH - 0.55 - beyond - (1.2 + 0.4 + LABELS if beside else 0.0)
        width = min(2.9, (room - sum(gaps)) / len(panels))
        across = 0.55 + len(panels) * width + sum(gaps) + beyond + (0.4 + 1.2 + LABELS) * bool(beside)
        lines = lines_below(panels, [*(_intervals_note(e) if paired else []), *notes], across)
        bottom = 0.62 + LINE * len(lines)
        figure = new_figure(across, bottom + HEIGHT + (0.45 if styles else 0.28) + _headroom(panels))
        ours: list[Axes] = []
        for place, panel in enumerate(panels):
            axes = add_axes(figure, 0.55 + place * width + sum(gaps[:place]), bottom, width, HEIGHT)
            same = panel.value == panels[0].value
            if ours and same:
                axes.sharey(ours[0])
            alike = [other for other in panels if other.value == panel.value]
            labels = _draw(axes, material, panel, _shared_variation(alike) if paired and not panel.relative else None)
            _finish(axes, panel, e.unit)
            if ours and same:
                axes.set_ylabel("")
                axes.tick_params(labelleft=False)
            ours.append(axes)
        label_at_right(ours[-1], labels, marked)
        if styles:
            _legend_of_styles(ours[0], styles)
        if beside:
            _draw_paper(add_axes(figure, across - LABELS - 1.2, bottom, 1.2, HEIGHT), beside[0])
        write_below(figure, lines)
    return figure


def draw_grid(material: Material, panels: Sequence[Panel], columns: int = 3, notes: Sequence[str] = ()) -> Figure:
    """Small panels in rows, each with its own scale, under one legend."""
    e = material.evidence
    lines, columns = lines_below(panels, [*_intervals_note(e), *notes], WIDTH), min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    height, gap, side = 1.35, 0.5 + _headroom(panels), 0.42
    with sheet():
        bottom = 0.62 + LINE * len(lines)
        top = bottom + rows * height + (rows - 1) * gap
        figure = new_figure(WIDTH, top + 0.55 + _headroom(panels))
        width = (WIDTH - 0.15) / columns - side
        for place, panel in enumerate(panels):
            row, column = divmod(place, columns)
            low = top - height - row * (height + gap)
            axes = add_axes(figure, 0.1 + side + column * (width + side), low, width, height)
            _draw(axes, material, panel, _shared_variation([panel]))
            _finish(axes, panel, e.unit, ticks=4)
            if row < rows - 1 and place + columns < len(panels):
                axes.set_xlabel("")
            if column > 0:
                axes.set_ylabel("")
        methods = list(dict.fromkeys(curve.method for panel in panels for curve in panel.curves))
        handles = [
            Line2D([], [], color=LOOKS[m].colour, marker=LOOKS[m].marker, label=e.plan.method(m).label) for m in methods
        ]
        figure.legend(handles=handles, loc="upper left", ncols=len(handles), frameon=False, borderaxespad=0.2)
        write_below(figure, lines)
    return figure


def missing_of(panel: Panel) -> list[str]:
    """What a panel lacks, sorted."""
    return sorted({name for curve in panel.curves for point in curve.points for name in point.log_value.missing})


def _headroom(panels: Sequence[Panel]) -> float:
    """Inches for a second line of headings, where one says that its panel is incomplete."""
    return 0.15 if any(missing_of(panel) for panel in panels) else 0.0


def _room_for_labels(evidence: Evidence, panels: Sequence[Panel], marked: bool) -> float:
    longest = max((len(_label(evidence, curve)) for panel in panels for curve in panel.curves), default=0)
    return max(LABELS, 0.065 * longest + 0.05) + 0.16 * marked


def _label(evidence: Evidence, curve: Curve) -> str:
    return curve.label or evidence.plan.method(curve.method).label


def _draw(axes: Axes, material: Material, panel: Panel, shared: Statistic | None) -> list[tuple[float, str, Look]]:
    """Draw the curves of a panel; return their labels: height, text, look."""
    e, labels = material.evidence, []
    for curve in panel.curves:
        look = curve.look or LOOKS[curve.method]
        estimate, low, high = _values(curve.points, shared, e.bootstrap.level)
        axes.errorbar(
            [point.cost for point in curve.points],
            estimate,
            yerr=np.nan_to_num(np.maximum(0, [estimate - low, high - estimate])),
            color=look.colour,
            marker=look.marker,
            linestyle=curve.dashes,
            capsize=3.0,  # wider than a marker, so that an interval within it shows
            elinewidth=0.8,
            capthick=0.8,
            zorder=3,
        )
        known = estimate[~np.isnan(estimate)]
        if len(known):
            labels.append((float(known[-1]), _label(e, curve), look))
            if curve.method in panel.flat:
                axes.axhline(known[-1], color=look.colour, linestyle=(0, (4, 2)), linewidth=0.9, zorder=1)
    if material.overlaid:
        for method, series in panel.paper.items():
            _plot_paper(axes, method, series, markerfacecolor="white", linewidth=0.7, linestyle=(0, (1, 1.5)))
    # one entry for each label: curves of one method may end at one height
    return list(dict.fromkeys(labels))


def _values(points: Sequence[Point], shared: Statistic | None, level: float) -> tuple[Any, Any, Any]:
    statistics = [point.log_value - shared if shared else point.log_value for point in points]
    estimate, low, high = np.exp(np.array([statistic.interval(level) for statistic in statistics])).T
    return estimate, low, high


def _draw_paper(axes: Axes, panel: Panel) -> None:
    for method, series in panel.paper.items():
        _plot_paper(axes, method, series)
    axes.set_title(panel.heading_of_paper)
    axes.set_xlabel("Pretraining (GPU-hours)")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([100, 200, 400, 600], ["100", "200", "400", "600"])
    axes.set_xlim(85, 720)
    _plain_ticks(axes)
    ends = {method: float(series.iloc[-1]) for method, series in panel.paper.items()}
    label_at_right(axes, [(y, IN_PAPER[method], LOOKS[method]) for method, y in ends.items()])


def _plot_paper(axes: Axes, method: str, series: pd.Series[float], **more: Any) -> None:
    look = LOOKS[method]
    axes.plot(series.index, series.to_numpy(), color=look.colour, marker=look.marker, **more)


def _finish(axes: Axes, panel: Panel, unit: Unit, ticks: int = 6) -> None:
    missing = missing_of(panel)
    axes.set_title(f"INCOMPLETE\n{panel.heading}" if missing else panel.heading, color=WARNING if missing else "black")
    if all(point.log_value.missing for curve in panel.curves for point in curve.points):
        words = "not measured" if panel.curves else "not in this study"
        axes.set(xticks=[], yticks=[], xlabel=panel.cost, ylabel=panel.value)
        axes.text(
            0.5,
            0.5,
            words,
            ha="center",
            color=WARNING,
            transform=axes.transAxes,
        )
        return
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    inches = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    axes.set_xlabel(_in_powers(axes.xaxis, axes.get_xlim(), inches.width, panel.cost, unit))
    if panel.relative:
        axes.set_ylim(_widened(axes.get_ylim(), 1.02))
    if panel.value_unit:
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylim(_widened(axes.get_ylim(), 2))
        label = _in_powers(axes.yaxis, axes.get_ylim(), inches.height, panel.value, panel.value_unit)
        axes.set_ylabel(label.replace("\n", " "))
    else:
        axes.set_ylabel(panel.value)
        _plain_ticks(axes, ticks)


def _plain_ticks(axes: Axes, ticks: int = 6) -> None:
    low, high = axes.get_ylim()
    wide = high > 3 * low
    locator = LogLocator(subs=(1, 2, 3, 5)) if wide else MaxNLocator(ticks, steps=[1, 2, 5, 10])
    axes.yaxis.set_major_locator(locator)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _widened(limits: tuple[float, float], least: float) -> tuple[float, float]:
    """At least this factor from end to end, so that nearly equal numbers are seen to be nearly equal."""
    low, high = limits
    middle, factor = math.sqrt(low * high), math.sqrt(max(high / low, least))
    return middle / factor, middle * factor


def _in_powers(axis: Any, limits: tuple[float, float], length: float, what: str, unit: Unit) -> str:
    """Ticks in thousands, millions, … of the unit on an axis of `length` inches; returns its label, with the power."""
    low, high = limits
    exponent = 3 * math.floor(math.log10(high) / 3)
    decades = math.log10(high / low)
    few = (1, 2, 5) if length * math.log10(1.5) < 0.28 * decades else (1, 2, 3, 5)
    axis.set_major_locator(LogLocator(subs=few if decades < 1.2 else (1, 3) if decades < 2.2 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost / 10**exponent:g}"))
    return f"{what}\n({unit.name})" if exponent == 0 else f"{what}\n($10^{{{exponent}}}$ {unit.name})"


def _legend_of_styles(axes: Axes, styles: Mapping[str, str]) -> None:
    looks: Mapping[Any, str] = styles
    handles = [Line2D([], [], color=NOTE, linestyle=dashes, label=text) for dashes, text in looks.items()]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncols=len(handles), frameon=False, fontsize=7
    )
    axes.set_title(axes.get_title(loc="left"), pad=18, color=axes.title.get_color())


def _shared_variation(panels: Sequence[Panel]) -> Statistic | None:
    """What the replicates of all points have in common: documents that are hard for one model are hard for all.

    Without it an interval tells how surely a point lies above or below another (Cousineau's within-subject interval).
    """
    statistics = [point.log_value for panel in panels for curve in panel.curves for point in curve.points]
    if not statistics:
        return None
    common = mean([statistic for statistic in statistics if not statistic.missing] or statistics)
    return common.shift(-common.estimate)


def _intervals_note(evidence: Evidence) -> list[str]:
    return [PAIRED.format(level=evidence.bootstrap.level) if evidence.paired else UNPAIRED]


def lines_below(panels: Sequence[Panel], notes: Sequence[str], across: float) -> list[tuple[str, str]]:
    """The lines under a figure of this many inches with their colours: notes, then what is missing."""
    letters = int(17 * across)
    missing = sorted({name for panel in panels for name in missing_of(panel)})
    lines = [(line, NOTE) for note in notes for line in textwrap.wrap(note, letters)]
    if missing:
        shown = "; ".join(missing[:4]) + (f"; and {len(missing) - 4} more" if len(missing) > 4 else "")
        lines += [(line, WARNING) for line in textwrap.wrap(f"Missing measurements: {shown}", letters)]
    return lines


def write_below(figure: Figure, lines: Sequence[tuple[str, str]]) -> None:
    across, up = figure.get_size_inches()
    for place, (line, colour) in enumerate(reversed(lines)):
        figure.text(0.1 / across, (0.05 + LINE * place) / up, line, color=colour, fontsize=6.5, va="bottom")
