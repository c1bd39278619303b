"""The paper's claims, each a row of `CLAIMS` and a function over the results: what holds here, and how surely.

A claim is made of parts. A part is a margin in nats (a difference of log perplexities, unless it says otherwise),
**positive when the part holds**, with its paired bootstrap interval. One rule gives every verdict:

    holds             the interval of every part lies above 0
    does not hold     the interval of some part lies below 0
    cannot tell       anything else: an interval contains 0, or measurements are missing

So a claim over several sizes or budgets is as strong as its weakest part, and measured, low and high are each the
minimum over the parts: parts 0.30 [0.20, 0.40] and 0.05 [-0.01, 0.11] give 0.05 [-0.01, 0.11], cannot tell. Claims 6
and 14, that something exists, are as strong as their strongest part instead. The paper's GPU-hours are read as places
on our own budget axis: its smallest as our smallest, its largest as our largest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.settings import nearest
from speclm.study import margins, margins_of_variants
from speclm.study.evidence import Evidence
from speclm.study.parts import Part

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "cannot tell at this scale"
COLUMNS = ["claim", "paper", "statistic", "measured", "low", "high", "verdict", "note"]

MARGIN = "ln perplexity ratio, weakest part"
STRONGEST = "ln perplexity ratio, strongest part"
TOLERANCE = "tolerance less |ln perplexity ratio|, weakest part"
GROWTH = "distance of ln growth from ln 5 and ln 20, weakest part"


@dataclass(frozen=True)
class Claim:
    """One claim: what it says, the paper's statement of it, what is measured, and the function that measures it."""

    number: int
    text: str
    paper: str
    statistic: str
    parts: Callable[[Evidence], list[Part]]
    combine: Callable[[list[tuple[float, float, float]]], tuple[float, float, float]]


def judge(evidence: Evidence) -> pd.DataFrame:
    """claims.tsv: one row per claim with the columns `COLUMNS`.

    measured, low and high are empty where nothing could be measured; note names the weakest part, or what is missing.
    """
    return pd.DataFrame([_row(claim, evidence) for claim in CLAIMS], columns=COLUMNS)


def judge_one(number: int, evidence: Evidence) -> dict[str, object]:
    """The row of one claim.

    Raises:
        UserError: there is no claim of this number.
    """
    known = {claim.number: claim for claim in CLAIMS}
    if number not in known:
        raise UserError(
            f"there is no claim {number}{nearest(f'claim_{number}', [f'claim_{n}' for n in known])}",
            key="claim",
            remedy=f"ask for one of 1 to {max(known)}",
        )
    return dict(zip(COLUMNS, _row(known[number], evidence), strict=True))


def verdict(low: float, high: float, complete: bool) -> str:
    """The one rule: `complete` is False when measurements are missing, and then nothing holds."""
    if high < 0:
        return FAILS
    return HOLDS if low > 0 and complete else UNDECIDED


def weakest(intervals: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """All parts must hold: each of estimate, low and high is the minimum."""
    estimate, low, high = (min(column) for column in zip(*intervals, strict=True))
    return estimate, low, high


def strongest(intervals: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """One part must hold: each of estimate, low and high is the maximum."""
    estimate, low, high = (max(column) for column in zip(*intervals, strict=True))
    return estimate, low, high


def _row(claim: Claim, evidence: Evidence) -> list[object]:
    parts = claim.parts(evidence)
    measured = [part for part in parts if not part.margin.missing]
    missing = sorted({name for part in parts for name in part.margin.missing})
    head = [f"{claim.number}. {claim.text}", claim.paper, claim.statistic]
    if not measured:
        return [*head, np.nan, np.nan, np.nan, UNDECIDED, f"not measured: {_list(missing)}"]
    intervals = [_interval(part, evidence.bootstrap.level) for part in measured]
    estimate, low, high = claim.combine(intervals)
    deciding = measured[[interval[0] for interval in intervals].index(estimate)]
    note = f"decided by: {deciding.text}" if len(measured) > 1 else deciding.text
    note += f" (the true margin is at {deciding.bound} this)" if deciding.bound else ""
    note += f"; not measured: {_list(missing)}" if missing else ""
    refutable = high if claim.combine is weakest or not missing else np.inf
    return [*head, estimate, low, high, verdict(low, refutable, complete=not missing), note]


def _interval(part: Part, level: float) -> tuple[float, float, float]:
    estimate, low, high = part.margin.interval(level)
    return estimate, -np.inf if part.bound == "most" else low, np.inf if part.bound == "least" else high


def _list(names: Sequence[str]) -> str:
    return "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")


CLAIMS = (
    Claim(
        1,
        "Pretraining and fine-tuning are both needed",
        "SLM-nopt 227 / 45.6 / 17.6 against SLM 18.2 / 14.8 / 12.0 (table 4)",
        MARGIN,
        margins.both_phases,
        weakest,
    ),
    Claim(
        2,
        "Generic text: LLM < SLM-mix < SLM-pn < SLM at every budget",
        "400 GPUh: 14.5 < 15.8 < 16.9 < 19.2 (table 8)",
        MARGIN,
        margins.generic_order,
        weakest,
    ),
    Claim(
        3,
        "Smallest size: SLM-pn below SLM-mix and SLM at every budget; SLM-mix crosses SLM",
        "crossing just below 200 GPUh (table 8, 1M)",
        MARGIN,
        margins.smallest_size,
        weakest,
    ),
    Claim(
        4,
        "Middle size: SLM-mix crosses SLM, then SLM-pn",
        "between 100 and 200 GPUh, and 200 and 400 (table 8, 8M)",
        MARGIN,
        margins.middle_size,
        weakest,
    ),
    Claim(
        5,
        "Largest size: SLM best of the shared early, SLM-mix and SLM-pn later; their benefit erodes with domain text",
        "gap of SLM-pn to SLM at 400 GPUh about 1.05 (1M), 0.38 (8M), 0.16 (64M)",
        MARGIN,
        margins.largest_size,
        weakest,
    ),
    Claim(
        6,
        "Perplexity before fine-tuning does not predict perplexity after it",
        "SLM 33.7 to 36.6 before, 19.3 to 18.2 after, from 100 to 400 GPUh (table 8)",
        STRONGEST,
        margins.reversals,
        strongest,
    ),
    Claim(
        7,
        "SLM-is is the best small model at every size; at the smallest it beats the LLM",
        "below 14.4 at 1M (section 4; no table)",
        MARGIN,
        margins.importance_best,
        weakest,
    ),
    Claim(
        8,
        "LLM beats SLM, SLM-mix and SLM-pn at every size and budget",
        "400 GPUh, 1M: 15.0 against 17.2 to 18.2 (table 8)",
        MARGIN,
        margins.large_best,
        weakest,
    ),
    Claim(
        9,
        "SLM-d beats SLM at equal student cost, and loses to SLM-mix and SLM-pn at equal overall cost",
        "teachers of at least 276 GPUh (figure 5)",
        MARGIN,
        margins_of_variants.distillation,
        weakest,
    ),
    Claim(
        10,
        "Over 1, 7, 50 tasks SLM-is loses its advantage over SLM-pn",
        "figure 6",
        MARGIN,
        margins.many_tasks,
        weakest,
    ),
    Claim(
        11,
        "More SLM-pn experts are better per iteration",
        "32 is best per cost (figure 7)",
        MARGIN,
        margins_of_variants.more_experts,
        weakest,
    ),
    Claim(
        12,
        "The three ways of choosing the expert lie close together",
        "17.32, 17.05, 16.98: within 0.3 (table 5)",
        TOLERANCE,
        margins.expert_choices,
        weakest,
    ),
    Claim(
        13,
        "One SLM-mix expert is worse than SLM-is at equal cost",
        "figure 8",
        MARGIN,
        margins.one_cluster,
        weakest,
    ),
    Claim(
        14,
        "SLM-is: the number of clusters is a trade-off",
        "figure 10",
        STRONGEST,
        margins_of_variants.cluster_tradeoff,
        strongest,
    ),
    Claim(
        15,
        "SLM-pn and SLM-mix do not beat SLM where the cluster entropy is highest",
        "openwebtext2 and wikipedia (figure 12, table 10)",
        MARGIN,
        margins.high_entropy,
        weakest,
    ),
    Claim(
        16,
        "Fine-tuning cost grows about 10 times per 8 times the domain text",
        "figure 9",
        GROWTH,
        margins.finetuning_growth,
        weakest,
    ),
    Claim(
        17,
        "LoRA on the LLM is close to full fine-tuning at every size",
        "within 0.5 perplexity (figure 14)",
        TOLERANCE,
        margins_of_variants.low_rank,
        weakest,
    ),
)
