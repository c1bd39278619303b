"""Shares and entropies against closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.histograms import entropies, top_shares


def histogram(windows: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"corpus": "law", "k": len(windows), "cluster": range(len(windows)), "windows": windows})


def test_three_quarters_and_one_quarter() -> None:
    table = histogram([30, 10, 0, 0])
    assert top_shares(table).loc["law", 4] == 0.75
    assert entropies(table).loc["law", 4] == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any))
def test_entropy_lies_between_one_cluster_and_all(windows: list[int]) -> None:
    table = histogram(windows)
    share, entropy = top_shares(table).iloc[0, 0], entropies(table).iloc[0, 0]
    assert -np.log(share) - 1e-9 <= entropy <= np.log(len(windows)) + 1e-9


def test_even_clusters_have_log_k() -> None:
    assert entropies(histogram([7] * 16)).loc["law", 16] == pytest.approx(np.log(16))
