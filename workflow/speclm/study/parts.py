"""The parts that claims are made of, and the comparisons that most of them are.

A claim holds when all of its parts do; a part's margin is positive when the part holds.

    SLM at 4.7, SLM-is at 4.6 nats:   ahead(…, "slm_is", "slm", …) has the margin 0.1
    within(…, difference 0.02, tolerance 0.05):   two parts, 0.07 and 0.03
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from speclm.study.bootstrap import Statistic
from speclm.study.evidence import Evidence


@dataclass(frozen=True)
class Part:
    """One margin, in words and numbers. `bound` "least": the true margin is at least this; "most": at most this."""

    text: str
    margin: Statistic
    bound: str = ""


def ahead(e: Evidence, better: str, worse: str, size: int, budget: int) -> Part:
    """`better` has the lower macro perplexity."""
    stage = f"after {size} tokens" if size else "before fine-tuning"
    text = f"{e.plan.method(better).label} below {e.plan.method(worse).label} {stage}, budget {budget}"
    return Part(text, e.macro(worse, size, budget) - e.macro(better, size, budget))


def crosses(e: Evidence, late: str, early: str, size: int) -> list[Part]:
    """`late` is worse than `early` at the smallest budget and better at the largest."""
    first, last = e.plan.budgets[0], e.plan.budgets[-1]
    if first == last:
        return [unmeasured(e, "a second budget")]
    return [ahead(e, early, late, size, first), ahead(e, late, early, size, last)]


def weaker(one: Statistic, two: Statistic) -> Statistic:
    """Both must hold: the smaller, replicate by replicate."""
    return Statistic(np.minimum(one.values, two.values), (one + two).missing)


def within(text: str, difference: Statistic, tolerance: float) -> list[Part]:
    """The difference is no larger than the tolerance, on either side."""
    return [Part(text, difference.shift(tolerance)), Part(text, (-difference).shift(tolerance))]


def unmeasured(e: Evidence, what: str) -> Part:
    """A part of which it is only known what is missing."""
    return Part(what, Statistic(np.full(1 + e.bootstrap.replicates, np.nan), (what,)))
