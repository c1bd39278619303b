"""Is this run right? Its numbers beside those that runs of other seeds let expect, line by line.

In: a finished run and a `Reference`. Out: the comparison, and as words one line per quantity and a closing line:

    quantity    method  corpus  size  budget  expected  measured  difference  allowed            within
    perplexity  slm     macro   2.5k  1.2M       106.0     105.0      -0.9 %  -11.4 % to +12.9 %  yes
    documents   -       sympy   -     -            100       100           0  0                   yes

"rare" is within, but outside the range in which 95 of 100 runs lie.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.study.expected import LEVEL, NOTHING, PERPLEXITY, QUANTITY, compare
from speclm.study.layout import aligned, count, number
from speclm.study.reference import Reference, measure_run


def check_run(folder: Path, reference: Reference, methods: pd.DataFrame) -> pd.DataFrame:
    """The comparison (see `compare`) of a run with what is expected of it.

    Args:
        folder: results/laptop, or published results.
        methods: config/methods.tsv.

    Raises:
        UserError: it is not finished, has other settings, or its metrics are damaged.
    """
    return compare(reference.table, measure_run(folder, reference.record["settings"], methods))


def write_comparison(found: pd.DataFrame, record: Mapping[str, Any]) -> str:
    """The comparison in words.

    Args:
        record: of the reference.
    """
    lines = aligned(pd.DataFrame([_line(row) for row in found.to_dict("records")]))
    random = found["quantity"] == PERPLEXITY
    outside, rare = int((~found["within"]).sum()), int((found["within"] & ~found["usual"]).sum())
    same = int((found["same"] & random).sum())
    seeds, made = ", ".join(map(str, record["seeds"])), record["runs"]
    machines, date = ", ".join(sorted({run["processor"] for run in made})), max(run["started"] for run in made)[:10]
    lines += ["", f"Expected: seeds {seeds} on {machines}, {date}."]
    if same:
        lines += [f"{same} of {random.sum()} perplexities are those of the same seed there, in all digits."]
    if len(record["seeds"]) == 1:
        lines += ["One seed is no range: perplexities are the same (on such a processor) or are not."]
        facts = found[~random]
        wrong = int((~facts["within"]).sum())
        said = f"{wrong} of {len(facts)} facts that no seed changes are NOT" if wrong else f"All {len(facts)} facts are"
        return "\n".join([*lines, f"{said} what is expected."]) + "\n"
    chance = f"by chance {(1 - LEVEL) * random.sum():.0f} on average, often many together"
    lines += [f"Rare, which is outside the range of {LEVEL:.0%} of runs: {rare}; {chance}."]
    if outside:
        lines += [
            f"{outside} of {len(found)} quantities are NOT WITHIN what is expected; {LEVEL:.0%} of runs have none."
        ]
    else:
        lines += [f"All {len(found)} quantities are within what is expected."]
    return "\n".join(lines) + "\n"


def _line(row: Mapping[Hashable, Any]) -> dict[str, str]:
    numbers = {name: float(row[name]) for name in ("expected", "measured", "low", "high")}
    expected, measured = numbers["expected"], numbers["measured"]
    words = {column: str(row[column]) for column in QUANTITY}
    words |= {column: count(row[column]) if row[column] else NOTHING for column in ("size", "budget")}
    if row["quantity"] == PERPLEXITY:
        words |= {"expected": number(expected, 1), "measured": number(measured, 1)}
        difference, low, high = (f"{value / expected - 1:+.1%}" for value in (measured, row["low"], row["high"]))
        words |= {"difference": difference, "allowed": f"{low} to {high}" if math.isfinite(row["high"]) else "any"}
    else:
        words |= {"expected": f"{expected:.7g}", "measured": f"{measured:.7g}"}
        words |= {"difference": f"{measured - expected:+.7g}", "allowed": "none"}
    return words | {"within": ("yes" if row["usual"] else "rare") if row["within"] else "NO"}
