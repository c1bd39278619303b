"""The end of a run as plain text: the main table and the verdicts, in at most 100 columns.

What `make demo` prints last: one row for each method at the largest budget, one column for each stage, macro
perplexity with its 95 % interval, and below it what each of the paper's claims came to here.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd

from speclm.study.beside import beside_peers
from speclm.study.bootstrap import Statistic
from speclm.study.claims import FAILS, HOLDS, UNDECIDED
from speclm.study.evidence import Evidence
from speclm.study.layout import DASH, aligned, count, number, signed

WIDTH = 100
_VERDICTS = {HOLDS: "hold", FAILS: "do not hold", UNDECIDED: "cannot be told"}


def overview(evidence: Evidence, claims: pd.DataFrame) -> str:
    """The main table and the claims.

    Args:
        claims: claims.tsv.
    """
    beside = [line for told in beside_peers(evidence) for line in textwrap.wrap(told, WIDTH)]
    return "\n".join([_main_table(evidence), *([""] if beside else []), *beside, "", _verdicts(claims), ""])


def count_verdicts(claims: pd.DataFrame) -> str:
    """How many of the claims hold, do not hold, and cannot be told."""
    counts = [f"{int((claims['verdict'] == verdict).sum())} {words}" for verdict, words in _VERDICTS.items()]
    return f"The paper's {len(claims)} claims at this scale: {', '.join(counts)}"


def _main_table(e: Evidence) -> str:
    last = e.plan.budgets[-1]
    rows = [
        [
            method.label,
            _cell(e, e.generic(method.name, last)),
            *(_cell(e, e.macro(method.name, size, e.plan.budgets_of(method.name)[-1])) for size in (0, *e.plan.sizes)),
        ]
        for method in e.plan.measured
    ]
    heads = ["method", "generic", "before FT", *(f"FT {count(size)}" for size in e.plan.sizes)]
    title = f"Perplexity at budget {count(last)} tokens of the SLM: on generic text, and the macro average over "
    title += f"{', '.join(e.plan.domains)} before and after fine-tuning (FT), with 95 % intervals"
    return "\n".join([*textwrap.wrap(title, WIDTH), "", *aligned(pd.DataFrame(rows, columns=heads))])


def _verdicts(claims: pd.DataFrame) -> str:
    lines = textwrap.wrap(count_verdicts(claims), WIDTH)
    lines += ["", *textwrap.wrap("Margins in nats with 95 % intervals; positive is the paper's side.", WIDTH), ""]
    for row in claims.to_dict("records"):
        measured = "" if pd.isna(row["measured"]) else signed(row["measured"], row["low"], row["high"])
        room = WIDTH - 14 - 26
        first, *rest = textwrap.wrap(str(row["claim"]), room, subsequent_indent="    ", break_on_hyphens=False)
        short = str(row["verdict"]).removesuffix(" at this scale")
        lines.append(f"{short:<14}{first:<{room}}{measured:>26}".rstrip())
        lines += [" " * 14 + line for line in rest]
    return "\n".join(lines)


def _cell(e: Evidence, statistic: Statistic) -> str:
    if statistic.missing:
        return DASH
    value, low, high = (number(float(np.exp(x)), 1) for x in statistic.interval(e.bootstrap.level))
    return f"{value} [{low},{high}]"
