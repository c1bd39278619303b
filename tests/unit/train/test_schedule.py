from __future__ import annotations

from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.train.schedule import Cooldown, learning_rate


def test_warms_up_linearly_and_stays() -> None:
    assert [learning_rate(step, 1.0, 4) for step in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_no_warmup_begins_at_the_peak() -> None:
    assert learning_rate(0, 0.3, 0) == 0.3


def test_a_cooldown_is_one_less_the_root_of_what_is_done() -> None:
    rates = [learning_rate(step, 2.0, 2, Cooldown(6, 10)) for step in range(10)]
    assert rates[:6] == [learning_rate(step, 2.0, 2) for step in range(6)]
    assert rates[6:] == pytest.approx([2 * (1 - sqrt(done / 4)) for done in range(4)])


@given(first=st.integers(0, 50), length=st.integers(1, 50), warmup=st.integers(0, 20))
def test_a_cooldown_falls_without_a_jump_and_never_to_nothing(first: int, length: int, warmup: int) -> None:
    end, warmup = first + length, min(warmup, first)
    rates = [learning_rate(step, 1.0, warmup, Cooldown(first, end)) for step in range(first, end)]
    assert rates[0] == 1.0 and all(later < earlier for earlier, later in pairwise(rates)) and rates[-1] > 0
