"""Ticks of logarithmic axes at plain numbers: as many as there is room for, never two that touch.

11.5 to 37 on 2.1 inches: 12, 15, 20, 25, 30;  1 to 1,000: 1, 2, 5, 10, 20, 50, 100, 200, 500, 1,000
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

# Within a decade, from many to few.
_WITHIN = (
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
    (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
    (1, 1.5, 2, 3, 4, 6, 8),
    (1, 2, 3, 5),
    (1, 2, 5),
    (1, 3),
    (1,),
)


def log_ticks(low: float, high: float, length: float, apart: float) -> list[float]:
    """Ticks from `low` to `high` on an axis of `length` inches, at least `apart` inches from each other."""
    nearest = math.log(high / low) * apart / length
    found: list[float] = []
    for ticks in (*_candidates(low, high), *_even(low, high)):
        gaps = [math.log(b / a) for a, b in pairwise(ticks)]
        if len(ticks) > len(found) and all(gap >= nearest - 1e-9 for gap in gaps):
            found = ticks
    return found


def plain(value: float) -> str:
    """A tick's number, without exponent where that is readable."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.6g}"


def _candidates(low: float, high: float) -> Iterator[list[float]]:
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for within in _WITHIN:
        yield _inside([step * 10.0**decade for decade in decades for step in within], low, high)
    for stride in (2, 3):
        yield _inside([10.0**decade for decade in decades[::stride]], low, high)


def _even(low: float, high: float) -> Iterator[list[float]]:
    """Multiples of 1, 2 and 5 of a power of ten: for axes that span less than a factor of 2."""
    if high > 2 * low:
        return
    power = math.floor(math.log10(high - low))
    for step in (unit * 10.0**exponent for exponent in (power, power - 1) for unit in (5, 2, 1)):
        first = math.ceil(low / step - 1e-9)
        yield _inside([place * step for place in range(first, math.floor(high / step + 1e-9) + 1)], low, high)


def _inside(values: Sequence[float], low: float, high: float) -> list[float]:
    return [float(f"{value:.8g}") for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
