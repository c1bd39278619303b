"""Reading a curve between its points, and what is known beyond them.

In: a curve of log perplexities over a cost or a number of tokens, and the place to read it at. Between two points it is
linear in the log of the place, as one reads a figure. Beyond the ends of a cost axis the nearest point is a bound: a
dearer model is taken to be no worse, a cheaper one no better.

    3.0 at 100, 2.8 at 400: 2.9 at 200; at 800 at most 2.8, at 50 at least 3.0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

import numpy as np

from speclm.study.bootstrap import Statistic

# A place this near the end of a curve is its end: budgets are rounded to whole steps, fine-tunings differ a little in
# cost, and 3 % more of a pretraining move its loss by some thousandths of a nat.
SAME = log(1.03)


def read(points: Sequence[tuple[float, Statistic]], place: float) -> Statistic:
    """The value of a curve at a place: a bound beyond its ends.

    Args:
        points: place and value, the places ascending and above 0.
    """
    logs, at = [log(known) for known, _ in points], log(place)
    position = float(np.interp(at, logs, np.arange(len(logs))))
    left = int(position)
    right = min(left + 1, len(points) - 1)
    value = points[left][1] * (1 - (position - left)) + points[right][1] * (position - left)
    return replace(
        value,
        at_least=value.at_least or at < logs[0] - SAME,
        at_most=value.at_most or at > logs[-1] + SAME,
    )
