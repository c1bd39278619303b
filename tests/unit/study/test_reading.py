"""Reading a curve: between its points, and what is known beyond them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.bootstrap import Statistic
from speclm.study.reading import read

CURVE = [(100.0, 3.0), (400.0, 2.8), (1600.0, 2.7)]


def at(place: float) -> Statistic:
    return read([(known, Statistic(np.full((2, 5), value))) for known, value in CURVE], place)


def test_between_points_it_is_linear_in_the_log() -> None:
    assert at(200).estimate == pytest.approx(2.9)
    assert at(800).interval(0.95) == pytest.approx((2.75, 2.75, 2.75))


def test_beyond_its_ends_the_nearest_point_is_a_bound() -> None:
    assert at(50).interval(0.95) == (3.0, 3.0, np.inf)  # a cheaper model is no better
    assert at(3200).interval(0.95) == (2.7, -np.inf, 2.7)  # a dearer one no worse
    for rounded in (98.0, 1640.0):
        assert np.isfinite(at(rounded).interval(0.95)).all()


@given(st.floats(100, 1600))
def test_it_goes_through_its_points_and_stays_between_them(place: float) -> None:
    left = max(value for known, value in CURVE if known >= place)
    right = min(value for known, value in CURVE if known <= place)
    assert left - 1e-9 <= at(place).estimate <= right + 1e-9
    for known, value in CURVE:
        assert at(known).estimate == pytest.approx(value)
