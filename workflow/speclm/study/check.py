"""Is this run right? Its numbers beside those that runs of other seeds let expect, line by line.

In: a finished run and a `Reference`. Out: the comparison, and as words its verdict and a line for each quantity:

    Within what is expected: all 118 quantities.

    quantity    method  corpus  size  budget  expected  measured  difference  allowed            within
    perplexity  slm     macro   2.5k  1.2M       106.0     105.0      -0.9 %  -11.4 % to +12.9 %  yes
    documents   -       sympy   -     -            100       100           0  0                   yes

"rare" is within, but outside the range in which 95 of 100 runs lie.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.study.expected import LEVEL, NOTHING, PERPLEXITY, QUANTITY, compare
from speclm.study.layout import aligned, count, number
from speclm.study.reference import Reference, measure_run

WIDE = 1.5  # times what is expected, where a range ends: a perplexity as far off is no longer of that method


def check_run(folder: Path, reference: Reference, methods: pd.DataFrame) -> pd.DataFrame:
    """The comparison (see `compare`) of a run with what is expected of it.

    Args:
        folder: results/laptop, or published results.
        methods: config/methods.tsv.

    Raises:
        UserError: it is not finished, has other settings, or its metrics are damaged.
    """
    return compare(reference.table, measure_run(folder, reference.record["settings"], methods))


def write_comparison(found: pd.DataFrame, record: Mapping[str, Any], full: bool) -> str:
    """The comparison in words: its verdict, what that rests on, and rows, those that are out of line first.

    Args:
        record: of the reference. full: all rows; else without those whose range is so wide that it says nothing.
    """
    seeds, made = ", ".join(map(str, record["seeds"])), record["runs"]
    machines, date = ", ".join(sorted({run["processor"] for run in made})), max(run["started"] for run in made)[:10]
    lines = [_verdict(found), f"Expected: seeds {seeds} on {machines}, {date}."]
    lines += list(_grounds(found, len(record["seeds"])))
    weak = ~_telling(found)
    shown = found if full else found[~weak]
    shown = shown.sort_values(["within", "usual"], kind="stable")  # what is out of line first
    if weak.any() and not full:
        lines += [
            f"Left out: {weak.sum()} rows whose range is so wide that they cannot tell a fault (--full, FULL=yes)."
        ]
    return "\n".join([*lines, "", *aligned(pd.DataFrame([_line(row) for row in shown.to_dict("records")]))]) + "\n"


def _verdict(found: pd.DataFrame) -> str:
    wrong = int((~found["within"]).sum())
    if wrong:
        return f"NOT WITHIN what is expected: {wrong} of {len(found)} quantities."
    judged = int(_telling(found).sum())
    return f"Within what is expected: all {judged} quantities" + (
        f" of which that can be said, of {len(found)}." if judged < len(found) else "."
    )


def _grounds(found: pd.DataFrame, seeds: int) -> Iterator[str]:
    """What a verdict rests on."""
    random = found["quantity"] == PERPLEXITY
    same, outside = int((found["same"] & random).sum()), int((~found["within"]).sum())
    rare = int((found["within"] & ~found["usual"]).sum())
    facts = found[~random]
    wrong = int((~facts["within"]).sum())
    if wrong:
        yield f"{wrong} of {len(facts)} facts that no seed changes are NOT the same."
    else:
        yield f"All {len(facts)} facts that no seed changes are the same."
    if same:
        yield f"{same} of {random.sum()} perplexities are those of the same seed there, in all digits."
    if seeds == 1:
        yield "One seed is no range: perplexities are the same (on such a processor) or are not."
        return
    chance = f"by chance {(1 - LEVEL) * random.sum():.0f} on average, often many together"
    yield f"Rare, which is outside the range of {LEVEL:.0%} of runs: {rare}; {chance}."
    if outside:
        yield f"{LEVEL:.0%} of runs have no quantity that is not within."


def _telling(found: pd.DataFrame) -> pd.Series:
    """The rows that could tell a fault: facts, perplexities of the same seed, and those whose range is not too wide."""
    narrow = found["high"] / found["expected"] < WIDE
    return (found["quantity"] != PERPLEXITY) | found["same"] | narrow | ~found["within"]


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
