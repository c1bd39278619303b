"""What a panel shows, as numbers: each curve's places, values and intervals; and the table of them beside the figure.

In: `Panel`s. Out: a `Series` for each curve, which is what is drawn, and a row of the figure's table for each point.

    Curve("slm", [Point(4e11, statistic of ln 20)]): x 4e11, y 20, low 19, high 21
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speclm.study.bootstrap import Statistic, mean
from speclm.study.curves import IN_PAPER, Curve, Panel
from speclm.study.evidence import Evidence
from speclm.study.labels import End
from speclm.study.style import LOOKS, Look

Array = NDArray[np.float64]
COLUMNS = ("panel", "source", "method", "curve", "x_axis", "x", "y_axis", "y", "low", "high")
NEAR = 0.015  # of the axes: less than half of a marker
OURS, THEIRS = "measured", "paper"
PAPER_AXIS = "pretraining (GPU-hours)"


@dataclass(frozen=True)
class Series:
    """One curve as it is drawn; not a number where it was not measured. x, y, low, high: (points,)."""

    curve: Curve
    label: str
    look: Look
    x: Array
    y: Array
    low: Array
    high: Array

    @property
    def end(self) -> End | None:
        """Its last measured point."""
        known = np.flatnonzero(~np.isnan(self.y))
        return End(float(self.x[known[-1]]), float(self.y[known[-1]]), self.label, self.look) if len(known) else None


def series_of(e: Evidence, curve: Curve, shared: Statistic | None = None, *, logs: bool = False) -> Series:
    """A curve in numbers.

    Args:
        shared: what the replicates of all points have in common, which intervals leave out. logs: values are shown as
            logs, which their statistics are.
    """
    statistics = [point.log_value - shared if shared else point.log_value for point in curve.points]
    values = np.array([statistic.interval(e.bootstrap.level) for statistic in statistics]).reshape(-1, 3).T
    label = curve.label or e.plan.method(curve.method).label
    places = np.array([point.cost for point in curve.points], dtype=float)
    return Series(curve, label, curve.look or LOOKS[curve.method], places, *(values if logs else np.exp(values)))


def shared_variation(panels: Sequence[Panel]) -> Statistic | None:
    """What the replicates of all points have in common: documents that are hard for one model are hard for all.

    Without it an interval tells how surely a point lies above or below another (Cousineau's within-subject interval).
    """
    statistics = [point.log_value for panel in panels for curve in panel.curves for point in curve.points]
    if not statistics:
        return None
    common = mean([statistic for statistic in statistics if not statistic.missing] or statistics)
    return common.shift(-common.estimate)


def rows_of(
    panel: Panel, series: Iterable[Series], axis: str, paper_axis: str = PAPER_AXIS
) -> list[tuple[object, ...]]:
    """The rows of a panel, then of the paper's points that stand in it or beside it.

    Args:
        axis, paper_axis: what their places are.
    """
    value = panel.value.replace("\n", " ") + (f" ({panel.value_unit.name})" if panel.value_unit else "")
    rows: list[tuple[object, ...]] = [
        (panel.heading, OURS, s.curve.method, s.curve.entry or s.label, axis, x, value, y, low, high)
        for s in series
        for x, y, low, high in zip(s.x, s.y, s.low, s.high, strict=True)
    ]
    for method, points in panel.paper.items():
        heading = panel.heading_of_paper or panel.heading
        rows += [
            (heading, THEIRS, method, IN_PAPER[method], paper_axis, x, value, y, np.nan, np.nan)
            for x, y in points.items()
        ]
    return rows


def table_of(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """The table beside a figure: columns `COLUMNS`, empty where there is no number."""
    return pd.DataFrame(rows, columns=list(COLUMNS))


def outlying(series: Sequence[Series]) -> set[str]:
    """The one method without which a logarithmic axis would be less than half as long, if there is one.

    Its curve would press all others into a corner: it leaves the axis, and its label tells its value.
    """
    ends = {method: _range([s for s in series if s.curve.method != method]) for method in _methods(series)}
    shortest = min(ends, key=lambda method: ends[method], default=None)
    if shortest is None or len(ends) < 3 or ends[shortest] > _range(series) / 2:
        return set()
    return {shortest}


def covered(series: Sequence[Series], width: float, height: float) -> list[int]:
    """For each curve, how many of those drawn after it lie upon all of its points.

    Args:
        width, height: of the axes, as natural logarithms.
    """

    def upon(one: Series, two: Series) -> bool:
        if one.look == two.look:
            return False
        known = [(x, y) for x, y in zip(one.x, one.y, strict=True) if not np.isnan(x + y)]
        return bool(known) and all(
            np.any((abs(np.log(two.x / x)) < NEAR * width) & (abs(np.log(two.y / y)) < NEAR * height)) for x, y in known
        )

    with np.errstate(invalid="ignore"):
        return [sum(upon(one, two) for two in series[place + 1 :]) for place, one in enumerate(series)]


def _methods(series: Sequence[Series]) -> list[str]:
    return list(dict.fromkeys(s.curve.method for s in series))


def _range(series: Sequence[Series]) -> float:
    values = np.concatenate([s.y for s in series]) if series else np.array([np.nan])
    known = values[~np.isnan(values)]
    return float(np.log(known.max() / known.min())) if len(known) else float("inf")
