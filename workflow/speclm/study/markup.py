"""HTML of what a study has written: Markdown pages, captions in reStructuredText, tables.

In: text and tables, of which nothing is trusted: a domain's name may hold any character. Out: HTML in which all text is
escaped, without styles, scripts or images. A table is `<div class="wide"><table>`; cells that hold numbers are of the
class "number", long ones of the class "text", and a word of `marks` gives its cell a class of its own.

    from_markdown("| a |\n|--:|\n| <b> |")   …<td class="number">&lt;b&gt;</td>…
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from docutils.core import publish_parts
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from speclm.study.layout import DASH, count

LONG = 40  # characters, from which a cell is broken into lines
LARGE = 10_000_000  # from which a number is shown in words of its size
OPEN, CLOSE = '<div class="wide"><table>', "</table></div>"
Marks = Mapping[str, str]


def from_markdown(text: str, marks: Marks | None = None) -> Markup:
    """A page in Markdown: headings (two steps lower), paragraphs, lists, links and tables."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(text)
    for place, token in enumerate(tokens):
        if token.type in ("td_open", "th_open"):
            _classify(token, tokens[place + 1].content, marks or {})
        elif token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 2)}"
    html = parser.renderer.render(tokens, parser.options, {})
    # What was a tag in the text is escaped by now: these are the tables' own.
    return Markup(html.replace("<table>", OPEN).replace("</table>", CLOSE))


def from_rst(text: str) -> Markup:
    """A caption or an introduction in reStructuredText; what is not well formed stands there as it is."""
    refused = {"raw_enabled": False, "file_insertion_enabled": False, "_disable_config": True}
    quiet = {"initial_header_level": 3, "report_level": 5, "halt_level": 5}
    return Markup(publish_parts(text, writer="html5", settings_overrides={**refused, **quiet})["body"])


def from_table(frame: pd.DataFrame, marks: Marks | None = None) -> Markup:
    """A table of numbers and words, made readable; the exact numbers are for its file.

    Large numbers are shown as 2.45T, with all their digits in `data-value`, which sorting goes by.
    """
    cells = {str(name): [_cell(value) for value in frame[name]] for name in frame.columns}
    numeric = {name: any(exact for _, exact in column) for name, column in cells.items()}
    head = _join(Markup("<th{}>{}</th>").format(_class(numeric[name], "", {}), name) for name in cells)
    rows = [
        _join(
            Markup("<td{}{}>{}</td>").format(
                _class(numeric[name], shown, marks or {}),
                Markup(' data-value="{}"').format(exact) if exact not in ("", shown) else "",
                shown,
            )
            for name, (shown, exact) in zip(cells, row, strict=True)
        )
        for row in zip(*cells.values(), strict=True)
    ]
    body = _join(Markup("<tr>{}</tr>\n").format(row) for row in rows)
    parts = Markup("<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody>").format(head, body)
    return Markup(OPEN) + parts + Markup(CLOSE)


def from_facts(facts: Mapping[str, str]) -> Markup:
    """A table of two columns: a name, and what it is."""
    return from_table(pd.DataFrame(list(facts.items()), columns=["what", "value"]))


def listed(names: Iterable[Any]) -> str:
    """Names in a row, each once, in their order; a dash for none."""
    return ", ".join(dict.fromkeys(str(name) for name in names if name is not None)) or DASH


def _cell(value: Any) -> tuple[str, str]:
    """A cell as it is shown, and the number that it stands for; empty for a word."""
    if isinstance(value, str | bool):
        return str(value), ""
    if value is None or math.isnan(value):
        return DASH, ""
    if abs(value) >= LARGE and math.isfinite(value):
        return count(value), f"{value:.15g}"
    if isinstance(value, int):
        return f"{value:,}", str(value)
    return f"{value:,.0f}" if 1000 <= abs(value) < LARGE else f"{value:.5g}", f"{value:.8g}"


def _class(numeric: bool, shown: str, marks: Marks) -> Markup:
    names = _names(numeric, shown, marks)
    return Markup(' class="{}"').format(names) if names else Markup("")


def _classify(token: Token, shown: str, marks: Marks) -> None:
    """A cell of a Markdown table: classes in place of the style by which the parser aligns it."""
    names = _names(token.attrGet("style") == "text-align:right", shown, marks)
    token.attrs = {"class": names} if names else {}


def _names(numeric: bool, shown: str, marks: Marks) -> str:
    kind = "number" if numeric else "text" if len(shown) > LONG else ""
    return f"{kind} {marks.get(shown, '')}".strip()


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
