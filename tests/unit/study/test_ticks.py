"""Ticks: plain numbers within the axis, apart, and several wherever there is room."""

from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.ticks import log_ticks, plain


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (11.5, 37, [12, 15, 20, 25, 30]),
        (16.7, 17.4, [16.7, 16.8, 16.9, 17, 17.1, 17.2, 17.3, 17.4]),
        (1, 1000, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
        (1e-5, 1e12, [1e-5, 1e-3, 1e-1, 1e1, 1e3, 1e5, 1e7, 1e9, 1e11]),
    ],
)
def test_some_axes(low: float, high: float, expected: list[float]) -> None:
    assert log_ticks(low, high, 2.1, 0.2) == pytest.approx(expected)


@given(st.floats(1e-3, 1e6), st.floats(1.01, 1e4), st.floats(1, 5))
def test_within_and_apart_and_at_least_two_where_a_decade_has_room(low: float, factor: float, length: float) -> None:
    ticks = log_ticks(low, low * factor, length, 0.2)
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)
    assert all(log(b / a) * length / log(factor) >= 0.2 - 1e-6 for a, b in pairwise(ticks))
    assert len(ticks) >= 2


def test_plain_numbers() -> None:
    assert [plain(value) for value in (0.02, 1, 2.5, 1000, 20000)] == ["0.02", "1", "2.5", "1,000", "20,000"]
