"""Axes of a panel: logarithmic, as long as what they show, ticks at plain numbers, and what they mean.

In: matplotlib's axes with their curves. Out: the same, with limits, ticks and words.

    costs from 1.5e12 to 1.2e13 FLOPs: ticks 2, 3, 5, 10 and "Total for one domain (10^12 FLOPs)"
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from speclm.study.cost import Unit
from speclm.study.curves import Panel, missing_of
from speclm.study.series import Series
from speclm.study.style import WARNING
from speclm.study.ticks import log_ticks, plain

MARGIN = 0.05  # of an axis, beside the outermost points
TICKS = 0.2, 0.32  # inches from one tick to the next, upwards and across


def set_limits(
    axes: Axes,
    across: Sequence[Series],
    upwards: Sequence[Series],
    hollow: Sequence[pd.Series[float]],
    beyond: Collection[str],
) -> None:
    """Limits around the places of some series and the values of others, and around the paper's points among them.

    Args:
        beyond: methods that leave the axis.
    """
    within = [s for s in upwards if s.curve.method not in beyond]
    x = np.concatenate([*(s.x for s in across), *(p.index.to_numpy(float) for p in hollow), np.array([np.nan])])
    y = np.concatenate([*(v for s in within for v in (s.y, s.low, s.high)), *(p for p in hollow), np.array([np.nan])])
    for values, set_limit in ((x, axes.set_xlim), (y, axes.set_ylim)):
        known = values[np.isfinite(values) & (values > 0)]
        set_limit(*_around(float(known.min()), float(known.max())) if len(known) else (1, 10))
    axes.set_xscale("log")
    axes.set_yscale("log")


def finish(axes: Axes, panel: Panel, unit: Unit) -> None:
    """Heading, ticks and words, when the limits are set."""
    incomplete(axes, panel)
    axes.set_xlabel(panel.cost)
    axes.set_ylabel(panel.value)
    if all(point.log_value.missing for curve in panel.curves for point in curve.points):
        words = "not measured" if panel.curves else "not in this study"
        axes.set(xticks=[], yticks=[])
        axes.set_xticks([], minor=True)
        axes.set_yticks([], minor=True)
        axes.text(0.5, 0.5, words, ha="center", color=WARNING, transform=axes.transAxes)
        return
    axes.set_xlabel(_in_powers(axes.xaxis, axes.get_xlim(), _inches(axes)[0], TICKS[1], panel.cost, unit))
    if panel.relative:
        axes.set_ylim(_widened(axes.get_ylim(), 1.02))
    if panel.value_unit:
        axes.set_ylim(_widened(axes.get_ylim(), 2))
        words = _in_powers(axes.yaxis, axes.get_ylim(), _inches(axes)[1], TICKS[0], panel.value, panel.value_unit)
        axes.set_ylabel(f"{words[:-1]}; lower is better)")
    else:
        plain_ticks(axes)


def incomplete(axes: Axes, panel: Panel, between: str = "\n") -> None:
    """The heading, which says where measurements are missing."""
    missing = missing_of(panel)
    axes.set_title(
        f"INCOMPLETE{between}{panel.heading}" if missing else panel.heading, color=WARNING if missing else "black"
    )


def plain_ticks(axes: Axes) -> None:
    """Numbers on the upright axis."""
    _set_ticks(axes.yaxis, log_ticks(*axes.get_ylim(), _inches(axes)[1], TICKS[0]), 1.0)


def _in_powers(axis: Any, limits: tuple[float, float], length: float, apart: float, what: str, unit: Unit) -> str:
    """Ticks in thousands, millions, … of the unit; returns the words of the axis, with the power."""
    exponent = 3 * math.floor(math.log10(limits[1]) / 3)
    _set_ticks(axis, log_ticks(*limits, length, apart), 10.0**exponent)
    return f"{what}\n({unit.name})" if exponent == 0 else f"{what}\n($10^{{{exponent}}}$ {unit.name})"


def _set_ticks(axis: Any, ticks: Sequence[float], unit: float) -> None:
    axis.set_ticks(ticks, [plain(tick / unit) for tick in ticks])
    axis.set_ticks([], minor=True)


def _inches(axes: Axes) -> tuple[float, float]:
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    return float(box.width), float(box.height)


def _around(low: float, high: float) -> tuple[float, float]:
    factor = max((high / low) ** MARGIN, 1.005)
    return low / factor, high * factor


def _widened(limits: tuple[float, float], least: float) -> tuple[float, float]:
    """At least this factor from end to end, so that nearly equal numbers are seen to be nearly equal."""
    low, high = limits
    middle, factor = math.sqrt(low * high), math.sqrt(max(high / low, least))
    return middle / factor, middle * factor
