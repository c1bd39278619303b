"""The benchmark's table: what was measured, what was to be reached, and whether it was.

A measurement is one function that yields several figures by name; a target stands beside a figure's name. A figure that
this machine cannot give is None and stays in the table as "not measured":

    name                          value  low   high  target  reached
    SLM / nanoGPT-style, 1 thread 1.62   1.58  1.66  >= 1.5  yes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.bench.estimate import Estimate
from speclm.stage.files import write_table

COLUMNS = ["name", "value", "low", "high", "target", "reached"]
Figures = Mapping[str, Estimate | None]


@dataclass(frozen=True)
class Measurement:
    """One part of the benchmark, as `--only` names it.

    Attributes:
        measure: of a `Bench`; gives the figures by name, None for one that this machine cannot give.
        targets: {figure's name: ">= 1.5" or "<= 1.25"}; a figure without one is stated for information.
    """

    name: str
    measure: Callable[[Any], Figures]
    targets: Mapping[str, str]


def rows(measurement: Measurement, figures: Figures) -> list[dict[str, Any]]:
    """The table's rows of one measurement, in the order of its figures.

    Raises:
        KeyError: a target names a figure that was not given.
    """
    if unknown := set(measurement.targets) - set(figures):
        raise KeyError(f"targets of {measurement.name} without a figure: {sorted(unknown)}")
    return [_row(name, estimate, measurement.targets.get(name, "")) for name, estimate in figures.items()]


def write(path: Path, table: list[dict[str, Any]]) -> None:
    """Write the rows as bench.tsv."""
    write_table(path, pd.DataFrame(table, columns=COLUMNS))


def text(table: list[dict[str, Any]]) -> str:
    """The rows as aligned lines for the terminal, four significant digits."""
    lines = [COLUMNS] + [[_shown(row.get(column, "")) for column in COLUMNS] for row in table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _row(name: str, estimate: Estimate | None, target: str) -> dict[str, Any]:
    if estimate is None:
        return {"name": name, "target": target, "reached": "not measured"}
    reached = "" if not target else "yes" if _holds(estimate.value, target) else "no"
    numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {"name": name, **numbers, "target": target, "reached": reached}


def _holds(value: float, target: str) -> bool:
    relation, bound = target.split()
    return {">=": value >= float(bound), "<=": value <= float(bound)}[relation]


def _shown(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 10_000 else f"{cell:.4g}"
    return str(cell)
