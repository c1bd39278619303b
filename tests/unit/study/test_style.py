"""Looks of curves, and labels that keep their distance."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from speclm.study.style import LOOKS, MARKERS, Look, shades, spread


def luminance(look: Look) -> float:
    """Relative luminance of a colour (Rec. 709), without gamma."""
    return float(np.dot(to_rgb(look.colour), (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("method", LOOKS)
def test_shades_differ_in_lightness_and_marker(method: str) -> None:
    for count, own in ((1, None), (3, 1), (4, 1), (5, 4), (6, 0)):
        looks = shades(LOOKS[method], count, own)
        light = [luminance(look) for look in looks]
        assert LOOKS[method] in looks
        assert len({look.marker for look in looks}) == count <= len(MARKERS)
        gaps = [one - two for one, two in pairwise(light)]
        # black has no darker shades
        assert all(gap > 0.01 for gap in gaps) or LOOKS[method].colour == "#000000"


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.2))
def test_spread_labels_keep_their_order_and_distance(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert np.mean(moved or [0]) == pytest.approx(np.mean(places or [0]))


def test_labels_far_apart_stay() -> None:
    assert spread([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
