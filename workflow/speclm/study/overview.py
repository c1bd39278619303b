"""The end of a run as plain text: the main table and the verdicts, in at most 100 columns.

What `make demo` prints last: one row for each method at the largest budget, one column for each stage, macro
perplexity with its 95 % interval, and below it what each of the paper's claims came to here, by what they are about,
with the part that decides it.

    cannot tell             14. SLM-is: the number of clusters is a trade-off          -0.004 [-0.016, +0.009]
                                decided by: SLM-is with 64 clusters below SLM-is with 16 and with 256, …
"""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from speclm.study.beside import beside_peers
from speclm.study.bootstrap import Statistic
from speclm.study.evidence import Evidence
from speclm.study.layout import DASH, aligned, count, number, signed
from speclm.study.paper_claims import TOPICS
from speclm.study.verdicts import FAILS, HOLDS, ONE_SEED, PARTLY, UNDECIDED, kind_of

WIDTH = 100
_COLUMNS = 24, 26  # of the verdict and of the margin
_VERDICTS = {
    **{HOLDS: "hold", PARTLY: "hold in part", FAILS: "do not hold", UNDECIDED: "cannot be told"},
    ONE_SEED: "cannot be told by one seed",
}


def overview(evidence: Evidence, claims: pd.DataFrame) -> str:
    """The main table and the claims.

    Args:
        claims: claims.tsv.
    """
    told = [*beside_peers(evidence), *_endings(evidence)]
    beside = [line for sentence in told for line in textwrap.wrap(sentence, WIDTH)]
    return "\n".join([_main_table(evidence), *([""] if beside else []), *beside, "", _verdicts(claims), ""])


def count_verdicts(claims: pd.DataFrame) -> str:
    """How many of the claims hold, hold in part, do not hold, and cannot be told."""
    kinds = claims["verdict"].map(kind_of).tolist()
    counts = [f"{kinds.count(kind)} {words}" for kind, words in _VERDICTS.items() if kind in kinds]
    seeds = int(claims["seeds"].max())
    return f"The paper's {len(claims)} claims at this scale, by {seeds} seed{'s' * (seeds > 1)}: {', '.join(counts)}"


def main_table(e: Evidence) -> pd.DataFrame:
    """Every method and peer at its largest budget: macro perplexity with its interval, a column for each stage."""
    last = e.plan.budgets[-1]
    rows = [
        [
            method.label,
            _cell(e, e.generic(method.name, last)),
            *(_cell(e, e.macro(method.name, size, e.plan.budgets_of(method.name)[-1])) for size in (0, *e.plan.sizes)),
        ]
        for method in e.plan.measured
    ]
    return pd.DataFrame(
        rows, columns=["method", "generic", "before FT", *(f"FT {count(size)}" for size in e.plan.sizes)]
    )


def _endings(e: Evidence) -> list[str]:
    """How many fine-tunings early stopping ended: one that its cap ended may have been cut short."""
    tuned = e.metrics.query("size > 0 and specialize_tokens > 0")
    tuned = tuned.loc[tuned["method"].isin([method.name for method in e.plan.methods])]
    if "capped" not in tuned or tuned.empty:
        return []
    capped = int(tuned["capped"].sum())
    return [f"Fine-tunings that early stopping ended: {len(tuned) - capped} of {len(tuned)}; {capped} ended at a cap."]


def _main_table(e: Evidence) -> str:
    title = (
        f"Perplexity at budget {count(e.plan.budgets[-1])} tokens of the SLM: on generic text, and the macro average "
    )
    title += f"over {', '.join(e.plan.domains)} before and after fine-tuning (FT), with 95 % intervals"
    return "\n".join([*textwrap.wrap(title, WIDTH), "", *aligned(main_table(e))])


def _verdicts(claims: pd.DataFrame) -> str:
    told = "Margins in nats at equal cost with 95 % intervals; positive is the paper's side. All parts of every claim, "
    told += "and margins at equal tokens: claim_parts.tsv."
    lines = [*textwrap.wrap(count_verdicts(claims), WIDTH), "", *textwrap.wrap(told, WIDTH)]
    for topic in TOPICS:
        lines += ["", topic]
        for row in claims.loc[claims["topic"] == topic].to_dict("records"):
            lines += _claim(str(row["verdict"]), str(row["claim"]), str(row["note"]), _margin(row))
    return "\n".join(lines)


def _claim(verdict: str, text: str, note: str, margin: str) -> list[str]:
    """A claim with its verdict and margin, and what decides it below."""
    left, right = _COLUMNS
    room = WIDTH - left - right
    first, *rest = textwrap.wrap(text, room, subsequent_indent="    ", break_on_hyphens=False)
    below = textwrap.wrap(note, WIDTH - left, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    lines = [f"{verdict:<{left}}{first:<{room}}{margin:>{right}}".rstrip()]
    return lines + [" " * left + line for line in (*rest, *below)]


def _margin(row: Mapping[Hashable, Any]) -> str:
    return "" if pd.isna(row["measured"]) else signed(row["measured"], row["low"], row["high"])


def _cell(e: Evidence, statistic: Statistic) -> str:
    if statistic.missing:
        return DASH
    value, low, high = (number(float(np.exp(x)), 1) for x in statistic.interval(e.bootstrap.level))
    return f"{value} [{low},{high}]"
