"""The paper's figures by name: each a row of `FIGURES` and a function over `Material`.

In: the results and the paper's numbers. Out: a `Drawing`, which `write_figure` makes files of. A name is the paper's
number, with a letter where panels are files of their own: "1", "4b", "9c". "trend" is ours. The study of the variants
has figures of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.files import write_table
from speclm.stage.settings import nearest
from speclm.study.curves import Drawing, Material
from speclm.study.families import FAMILIES
from speclm.study.figure_cost import figure_5, figure_6, figure_8, figure_9
from speclm.study.figure_map import figure_1
from speclm.study.figure_methods import figure_2
from speclm.study.figure_perplexity import by_domain, figure_3, figure_4
from speclm.study.figure_trend import figure_trend
from speclm.study.figure_variants import figure_7, figure_10, figure_11, figure_14
from speclm.study.style import save_figure

FIGURES: Mapping[str, Callable[[Material], Drawing]] = {
    "trend": figure_trend,
    "1": figure_1,
    "2": figure_2,
    "3": figure_3,
    "4a": figure_4(0),
    "4b": figure_4(1),
    "4c": figure_4(2),
    "4d": figure_4(3),
    "5": figure_5,
    "6": figure_6,
    "7": figure_7,
    "8": figure_8,
    "9a": figure_9(1),
    "9b": figure_9(2),
    "9c": figure_9(3),
    "10": figure_10,
    "11": figure_11,
    "12": by_domain(1, "12"),
    "13": by_domain(0, "13"),
    "14a": figure_14(1),
    "14b": figure_14(2),
    "14c": figure_14(3),
}

VARIANT_FIGURES = [name for name in FIGURES if name.rstrip("abcd") in FAMILIES]
MAIN_FIGURES = [name for name in FIGURES if name == "5" or name not in VARIANT_FIGURES]


def make_figure(name: str, material: Material) -> Drawing:
    """The paper's figure of this name.

    Raises:
        UserError: an unknown name, or a figure of a domain size that the study does not have.
    """
    if name not in FIGURES:
        near = nearest(f"figure_{name}", [f"figure_{known}" for known in FIGURES])
        raise UserError(
            f'there is no figure "{name}"{near}',
            key="figure",
            remedy=f"ask for one of {', '.join(FIGURES)}",
        )
    return FIGURES[name](material)


def write_figure(drawing: Drawing, pdf: Path, png: Path, tsv: Path) -> None:
    """Write a figure in both forms, its finding as their title, and the table of what it shows."""
    save_figure(drawing.figure, drawing.finding, pdf, png)
    write_table(tsv, drawing.table)
