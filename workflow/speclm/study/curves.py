"""What figures are made of: material, and panels of curves of points; `panels` draws them as a `Drawing`.

A panel is a heading, the meaning of its two axes, and a curve of measurements for each method:

    Panel("Generic text", "Generic pretraining", [Curve("slm", [Point(4e11, ln 20), Point(8e11, ln 18)])])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from speclm.study.bootstrap import Statistic
from speclm.study.cost import Unit
from speclm.study.evidence import Evidence
from speclm.study.style import Look

IN_PAPER = {"slm": "SLM", "slm_mix": "SLM-mix", "slm_pn": "SLM-pn", "llm": "LLM", "slm_is": "SLM-is", "slm_d": "SLM-d"}


@dataclass(frozen=True)
class Material:
    """What a figure may be made of. `paper`: the folder of its numbers; `overlaid`: its points stand among ours."""

    evidence: Evidence
    paper: Path
    overlaid: bool = False

    def published(self, name: str) -> pd.DataFrame:
        """A table of the paper."""
        return pd.read_csv(self.paper / f"{name}.csv")

    def present(self, names: Sequence[str]) -> list[str]:
        """Those of the methods that the study has."""
        chosen = {method.name for method in self.evidence.plan.methods}
        return [name for name in names if name in chosen]


@dataclass(frozen=True)
class Point:
    """One measurement of a curve: its cost, and the log of what is shown."""

    cost: float
    log_value: Statistic


@dataclass(frozen=True)
class Curve:
    """The measurements of one method. `label`: beside it, and `look`: by default the method's; `dashes`: its line;
    `entry`: in the table, where its label stands for several.
    """

    method: str
    points: Sequence[Point]
    label: str | None = None
    dashes: str = "-"
    look: Look | None = None
    entry: str | None = None


PaperCurves = Mapping[str, "pd.Series[float]"]  # by method: numbers by GPU-hours


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `flat`: methods whose dearest point is drawn through as a horizontal line.

    `paper`: the paper's curves on the same axes; `heading_of_paper`: of the panel where they stand beside. `relative`:
    the values are ratios of two measurements, so that intervals are their own.
    """

    heading: str
    cost: str
    curves: Sequence[Curve]
    value: str = "macro perplexity\n(lower is better)"
    flat: Sequence[str] = ()
    paper: PaperCurves = field(default_factory=dict)
    heading_of_paper: str = ""
    value_unit: Unit | None = None
    relative: bool = False


@dataclass(frozen=True)
class Drawing:
    """A figure, what it finds in words, and the table of what it shows: a row for each point, cell or box."""

    figure: Figure
    finding: str
    table: pd.DataFrame


def missing_of(panel: Panel) -> list[str]:
    """What a panel lacks, sorted."""
    return sorted({name for curve in panel.curves for point in curve.points for name in point.log_value.missing})
