"""The page of assumptions: every setting of a study, and whether the paper says it, implies it, or leaves it open.

In: the configuration, and config/origins.tsv (config/origins-paper.tsv for the paper's preset), which says of every
key: paper (the paper states it), derived (computed from what it states, or scaled to the study's size) or assumed (our
choice); what the paper has; and why. Out: a page in Markdown, the assumptions first.

    {"models": {"slm": {"layers": 4}}} and a row "models.slm": one line, models.slm | layers 4
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from speclm.study.layout import DASH
from speclm.study.sensitivity import in_words

HEADINGS = {
    "assumed": "Assumed: our choice",
    "derived": "Derived: from what the paper states, or scaled to this study",
    "paper": "From the paper",
    "": "Not listed",
}
HEAD = ("| setting | value | the paper | note |", "|---|---|---|---|")


def assumptions(config: Mapping[str, Any], origins: pd.DataFrame, sensitivity: str = "") -> str:
    """The page.

    Args:
        config: the whole configuration.
        origins: key (dotted; of a setting or of a group of them), origin, paper, note.
        sensitivity: the table of what comes of other choices, in Markdown.
    """
    rows = {str(row["key"]): row for row in origins.astype(str).to_dict("records")}
    found: dict[str, list[str]] = {origin: [] for origin in HEADINGS}
    for key, value in _settings(config, rows):
        row = rows.get(key, {"origin": "", "paper": DASH, "note": DASH})
        cells = [cell.replace("|", "\\|") for cell in (f"`{key}`", in_words(value), row["paper"], row["note"])]
        found[row["origin"]].append(f"| {' | '.join(cells)} |")
    counts = ", ".join(f"{len(rows)} {origin or 'not listed'}" for origin, rows in found.items() if rows)
    parts = [f"# Assumptions of the study {config['run']}", f"Its settings by their origin: {counts}."]
    for origin, lines in found.items():
        if lines:
            parts += [f"## {HEADINGS[origin]}", "\n".join([*HEAD, *lines])]
    if sensitivity:
        parts += ["## What other choices change", sensitivity.strip()]
    return "\n\n".join(parts) + "\n"


def origins_of(run: str) -> str:
    """The file of config/ that tells the origins of a run's settings."""
    return "origins-paper.tsv" if run == "paper" else "origins.tsv"


def _settings(value: Any, known: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of every setting; groups that have a row of their own are not divided."""
    if isinstance(value, Mapping) and path not in known:
        for key, item in value.items():
            yield from _settings(item, known, f"{path}.{key}" if path else key)
    else:
        yield path, value
