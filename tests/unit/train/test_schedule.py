from __future__ import annotations

import pytest

from speclm.train.schedule import learning_rate


def test_warms_up_linearly_and_stays() -> None:
    assert [learning_rate(step, 1.0, 4) for step in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_no_warmup_begins_at_the_peak() -> None:
    assert learning_rate(0, 0.3, 0) == 0.3
