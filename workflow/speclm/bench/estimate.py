"""A figure with its spread: the median of rounds, and an interval for it that supposes nothing of their distribution.

The interval's ends are order statistics: of n rounds, the true median lies between the k-th smallest and the k-th
largest with probability 1 - 2 P(Binomial(n, 1/2) < k). Taken is the largest k with at least 95 %.

    12 rounds: k = 3, 96.1 %        9 rounds: k = 2, 96.1 %        under 6 rounds: smallest and largest, less than 95 %
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    """The median of the values and its 95 % interval."""
    ordered, rank = sorted(values), _rank(len(values))
    return Estimate(median(ordered), ordered[rank - 1], ordered[-rank])


def ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """The estimate of above / below, taken round by round: what slows the whole machine for a while cancels out."""
    return estimate([a / b for a, b in zip(above, below, strict=True)])


def exact(value: float) -> Estimate:
    """A value that is counted, or measured once: it has no spread."""
    return Estimate(value, value, value)


def _rank(count: int) -> int:
    """The largest k whose interval has the confidence; at least 1."""
    rank, outside = 0, 0.0
    while outside <= 1 - CONFIDENCE:
        outside += 2 * comb(count, rank) / 2**count
        rank += 1
    return max(1, rank - 1)
