"""From parts to a verdict: one rule for every part, one for every claim.

In: a claim's parts, at equal cost and again at equal tokens. Out: for each part its interval and verdict, and the
claim's verdict with the part that decides it.

    holds           the interval of every margin lies above 0
    does not hold   the interval of some margin lies below 0
    cannot tell     anything else: an interval contains 0, or measurements are missing

With one seed an interval is over documents only, and says nothing of how another training would come out: then every
part is "one seed: cannot tell". Of a claim's parts all must hold; where some do, it holds in so many of them; where
none does, it does not hold if some part fails, else one cannot tell. A claim that something exists (6 and 14) holds
where any part does.

The more parts, the likelier one comes out by chance. Where any one would do, to hold (claims 6 and 14) or to refute
(the others), the misses allowed are divided among the parts (Bonferroni): 4 parts at 95 % are each judged at 98.75 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from speclm.study.parts import Part

HOLDS, FAILS, UNDECIDED, ONE_SEED = "holds", "does not hold", "cannot tell", "one seed: cannot tell"
PARTLY = "holds in part"  # the kind of "holds in 3 of 8 parts"
KINDS = (HOLDS, PARTLY, FAILS, UNDECIDED, ONE_SEED)


@dataclass(frozen=True)
class Judged:
    """A part with its interval in nats, NaN where it was not measured, and its verdict.

    `refutes`: it would not hold at the level of one of many parts either.
    """

    part: Part
    estimate: float
    low: float
    high: float
    verdict: str
    refutes: bool

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Estimate, low, high."""
        return self.estimate, self.low, self.high


def judge_parts(parts: Sequence[Part], level: float, seeds: int, any_of: bool) -> list[Judged]:
    """The parts of one claim."""
    corrected = corrected_level(level, len(parts))
    judged = []
    for part in parts:
        estimate, low, high = _interval(part, corrected if any_of else level)
        verdict = verdict_of(low, high, seeds, measured=not part.missing)
        refutes = verdict == FAILS and _interval(part, corrected)[2] < 0
        judged.append(Judged(part, estimate, low, high, verdict, refutes))
    return judged


def corrected_level(level: float, parts: int) -> float:
    """The level of each of so many intervals that all hold the truth with `level` (Bonferroni)."""
    return 1 - (1 - level) / parts


def verdict_of(low: float, high: float, seeds: int, *, measured: bool = True) -> str:
    """The rule for one part."""
    if not measured:
        return UNDECIDED
    if seeds == 1:
        return ONE_SEED
    return FAILS if high < 0 else HOLDS if low > 0 else UNDECIDED


def judge_claim(judged: Sequence[Judged], any_of: bool) -> tuple[str, Judged | None]:
    """The verdict, and the part that decides it: the weakest, or the strongest where any would do.

    None where nothing was measured. A condition that does not hold decides what would hold without it.
    """
    parts = [it for it in judged if not it.part.condition]
    measured = [it for it in parts if not it.part.missing]
    unmet = [it for it in judged if it.part.condition and it.verdict != HOLDS]
    refuted = any(it.refutes for it in parts)
    verdict = combine([it.verdict for it in parts], any_of, refuted)
    if unmet and measured and verdict not in (FAILS, ONE_SEED):
        return UNDECIDED, unmet[0]
    if not measured:
        return UNDECIDED, None
    return verdict, (max if any_of else min)(measured, key=lambda it: (_RANK.get(it.verdict, 1), it.estimate))


def combine(verdicts: Sequence[str], any_of: bool, refuted: bool) -> str:
    """The rule for a claim; `refuted`: some part fails, corrected for their number."""
    held = sum(verdict == HOLDS for verdict in verdicts)
    if ONE_SEED in verdicts:
        return ONE_SEED
    if held == len(verdicts) or (any_of and held):
        return HOLDS
    if held:
        return f"holds in {held} of {len(verdicts)} parts"
    fails = all(verdict == FAILS for verdict in verdicts) if any_of else refuted
    return FAILS if fails else UNDECIDED


def kind_of(verdict: str) -> str:
    """Which of `KINDS` a claim's verdict is."""
    return verdict if verdict in KINDS else PARTLY


def blamed(judged: Sequence[Judged]) -> str:
    """The one method that all parts which do not hold are about, and not all parts; "" where there is no such method.

    Where SLM-mix below SLM does not hold, and SLM-pn below SLM does, it is SLM-mix. SLM, which the others are measured
    by, is blamed only where no other is.
    """
    parts = [it for it in judged if not it.part.condition]
    bad = [set(it.part.about) for it in parts if it.verdict != HOLDS]
    if not bad or len(bad) == len(parts):
        return ""
    always: set[str] = set.intersection(*[set(it.part.about) for it in parts])
    common = set.intersection(*bad) - always
    common = common - {"SLM"} or common
    return common.pop() if len(common) == 1 else ""


def _interval(part: Part, level: float) -> tuple[float, float, float]:
    """All of its margins must be positive: estimate, low and high are each the smallest over them."""
    intervals = [margin.interval(level) for margin in part.margins]
    estimate, low, high = (float(np.min(column)) for column in zip(*intervals, strict=True))
    return estimate, low, high


_RANK = {FAILS: 0, HOLDS: 2}
