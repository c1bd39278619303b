"""Looks of curves."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from speclm.study.style import LOOKS, MARKERS, Look, shades


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
