"""Medians and their intervals: ranks against the binomial distribution, coverage by simulation."""

from math import comb

import numpy as np
import pytest

from speclm.bench.estimate import Estimate, estimate, exact, ratio


def outside(count: int, rank: int) -> float:
    """Probability that the median lies beyond the rank-th smallest or largest of `count` values."""
    return 2 * sum(comb(count, below) for below in range(rank)) / 2**count


@pytest.mark.parametrize("count", range(6, 40))
def test_the_interval_is_the_narrowest_with_the_confidence(count: int) -> None:
    rank = int(estimate(range(1, count + 1)).low)
    assert outside(count, rank) <= 0.05 < outside(count, rank + 1)
    assert estimate(range(1, count + 1)) == Estimate((count + 1) / 2, rank, count + 1 - rank)


@pytest.mark.parametrize("count", range(1, 6))
def test_few_rounds_give_their_range(count: int) -> None:
    assert estimate(range(count)) == Estimate((count - 1) / 2, 0, count - 1)


def test_the_true_median_is_covered_as_often_as_said() -> None:
    draws = np.random.default_rng(17).exponential(size=(4000, 12))  # skewed: its median is ln 2
    covered = np.mean([(e := estimate(row.tolist())).low <= np.log(2) <= e.high for row in draws])
    assert abs(covered - (1 - outside(12, 3))) < 0.01


def test_a_ratio_is_taken_round_by_round() -> None:
    assert ratio([2.0, 20.0, 200.0], [1.0, 10.0, 100.0]) == Estimate(2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="argument"):
        ratio([1.0], [1.0, 2.0])


def test_what_is_counted_has_no_spread() -> None:
    assert exact(3.0) == Estimate(3.0, 3.0, 3.0)
