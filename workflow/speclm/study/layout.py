"""How a table becomes files: raw numbers as TSV, readable cells as Markdown and LaTeX.

A number with its interval is one cell, 18.2 [17.1, 19.4]; what was not run, or what the paper does not give, is a dash
and never a zero. LaTeX uses the rules of booktabs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from speclm.stage.files import write_table, write_text

DASH = "-"
_LATEX = {"\\": r"\textbackslash{}", **{character: f"\\{character}" for character in "&%$#_{}"}}


@dataclass(frozen=True)
class Table:
    """A table: `raw` has one number per column, `shown` the same as text, and `notes` stand under it.

    number: the paper's, or a name of ours.
    """

    number: int | str
    caption: str
    raw: pd.DataFrame
    shown: pd.DataFrame
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def title(self) -> str:
        """What stands before its caption."""
        return f"Table {self.number}" if isinstance(self.number, int) else self.number.capitalize()


def write_files(table: Table, tsv: Path, markdown: Path, latex: Path) -> None:
    """Write the three forms of a table."""
    write_table(tsv, table.raw)
    write_text(markdown, to_markdown(table))
    write_text(latex, to_latex(table))


def to_markdown(table: Table) -> str:
    """A Markdown table under its caption, columns padded so that it also reads as plain text."""
    notes = [f"\n{' '.join(table.notes)}"] if table.notes else []
    return f"**{table.title}.** {table.caption}\n\n" + "\n".join([*markdown_rows(table.shown), *notes]) + "\n"


def to_latex(table: Table) -> str:
    """A LaTeX table with caption and label; needs the packages booktabs and graphicx."""
    head, *body = [[_escape(cell) for cell in row] for row in _cells(table.shown)]
    align = "".join("r" if right else "l" for right in _to_the_right(table.shown))
    lines = [
        r"\begin{table}",
        rf"\caption{{{_escape(table.caption)}}}",
        rf"\label{{table:{table.number}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par {_escape(note)}" for note in table.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def markdown_rows(frame: pd.DataFrame) -> list[str]:
    """The rows of a Markdown table, columns padded, numbers to the right."""
    head, *body = _padded(frame.map(_unbarred).rename(columns=_unbarred))
    rule = [
        "-" * (len(cell) - 1) + ":" if right else "-" * len(cell)
        for cell, right in zip(head, _to_the_right(frame), strict=True)
    ]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *body)]


def aligned(frame: pd.DataFrame) -> list[str]:
    """The rows of a table as plain text, words to the left, numbers to the right."""
    return ["  ".join(row).rstrip() for row in _padded(frame)]


def number(value: float | None, digits: int = 2) -> str:
    """A number with `digits` decimals, fewer when it is large; a dash when there is none."""
    if value is None or pd.isna(value):
        return DASH
    decimals = max(0, digits - (abs(value) >= 100) - (abs(value) >= 1000))
    return f"{value:,.{decimals}f}"


def with_interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """A number and its interval."""
    return DASH if pd.isna(value) else f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def signed(value: float, low: float, high: float) -> str:
    """A margin and its interval, with their signs."""
    return DASH if pd.isna(value) else f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def count(tokens: float) -> str:
    """A count of tokens, FLOPs or parameters in words of its size: 4000 is 4k, 1422000000 is 1.42G."""
    for unit, name in ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(tokens) >= unit:
            return f"{tokens / unit:.3g}{name}"
    return f"{tokens:.3g}"


def _cells(frame: pd.DataFrame) -> list[list[str]]:
    head = [str(name) for name in frame.columns]
    return [head, *([str(cell) for cell in row] for row in frame.to_numpy(dtype=object))]


def _to_the_right(frame: pd.DataFrame) -> list[bool]:
    """Which columns hold numbers: those with a cell that begins with a digit, after a sign if any."""
    return [any(re.match(r"[+-]?\d", cell) for cell in column[1:]) for column in zip(*_cells(frame), strict=True)]


def _padded(frame: pd.DataFrame) -> list[list[str]]:
    cells, right = _cells(frame), _to_the_right(frame)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        [cell.rjust(width) if r else cell.ljust(width) for cell, width, r in zip(row, widths, right, strict=True)]
        for row in cells
    ]


def _unbarred(cell: object) -> str:
    """A cell whose bars do not end it."""
    return str(cell).replace("|", "\\|")


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
