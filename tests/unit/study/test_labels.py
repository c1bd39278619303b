"""Labels keep their distance, and lead to the ends that they name."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes

from speclm.study.labels import End, label_ends, spread
from speclm.study.style import LOOKS, add_axes, new_figure


@pytest.fixture
def axes() -> Axes:
    """From 1 to 100 across and 10 to 20 upwards, both logarithmic."""
    drawn = add_axes(new_figure(4, 3), 0.5, 0.5, 2.5, 2)
    drawn.set(xlim=(1, 100), ylim=(10, 20), xscale="log", yscale="log")
    return drawn


def test_a_line_leads_from_an_end_to_its_label(axes: Axes) -> None:
    label_ends(axes, [End(10, 10 * 2**0.5, "SLM", LOOKS["slm"]), End(100, 20, "LLM", LOOKS["llm"])])
    assert {text.get_text(): text.xy for text in axes.texts} == {
        "SLM": pytest.approx((1, 0.5)),
        "LLM": pytest.approx((1, 1.0)),
    }
    (line,) = axes.get_lines()  # LLM ends where its label stands
    assert line.get_color() == LOOKS["slm"].colour
    assert list(np.asarray(line.get_xdata())) == pytest.approx([0.5, 1])
    assert list(np.asarray(line.get_ydata())) == pytest.approx([0.5, 0.5])


def test_what_lies_beyond_the_axis_is_labelled_at_its_edge_with_its_value(axes: Axes) -> None:
    label_ends(axes, [End(10, 208, "SLM-nopt", LOOKS["slm_nopt"]), End(float("nan"), 7.25, "n-gram", LOOKS["ngram"])])
    assert {text.get_text(): text.xy[1] for text in axes.texts} == {
        "SLM-nopt ↑ 208": pytest.approx(1.0),
        "n-gram ↓ 7.25": pytest.approx(0.0),
    }
    assert not axes.get_lines()


def test_one_label_for_curves_of_one_name(axes: Axes) -> None:
    label_ends(axes, [End(10, 12, "SLM-pn", LOOKS["slm_pn"]), End(11, 12, "SLM-pn", LOOKS["slm_pn"])])
    assert len(axes.texts) == 1


@given(st.lists(st.floats(0, 1), max_size=12).map(sorted), st.floats(0.01, 0.2))
def test_spread_labels_keep_their_order_and_distance(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert np.mean(moved or [0]) == pytest.approx(np.mean(places or [0]))


def test_labels_far_apart_stay() -> None:
    assert spread([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
