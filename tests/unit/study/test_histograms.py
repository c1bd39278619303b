"""Shares and entropies against closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.histograms import distances, entropies, top_shares


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


def corpora(**windows: list[int]) -> pd.DataFrame:
    rows = [(name, 2, cluster, count) for name, row in windows.items() for cluster, count in enumerate(row)]
    return pd.DataFrame(rows, columns=["corpus", "k", "cluster", "windows"])


def test_distances_from_the_generic_text() -> None:
    """The module's example, and the two ends."""
    table = distances(corpora(generic=[5, 5], near=[3, 1], same=[20, 20], one=[7, 0]), 2)
    assert table.loc["near", ["kl", "js"]].tolist() == pytest.approx([0.130812, 0.033822], abs=1e-6)
    assert table.loc["same", ["effective_clusters", "kl", "js"]].tolist() == pytest.approx([2, 0, 0])
    assert table.loc["one", ["effective_clusters", "kl"]].tolist() == pytest.approx([1, np.log(2)])
    assert (table["unseen"] == 0).all()
    apart = distances(corpora(generic=[5, 0], other=[0, 3]), 2).loc["other"]
    assert apart[["js", "kl", "unseen"]].tolist() == pytest.approx([np.log(2), 0, 1])


@given(st.lists(st.integers(0, 50), min_size=2, max_size=9), st.lists(st.integers(0, 50), min_size=2, max_size=9))
def test_divergences_are_bounded(own: list[int], generic: list[int]) -> None:
    length = min(len(own), len(generic))
    own, generic = [count + 1 for count in own[:length]], [count + 1 for count in generic[:length]]
    row = distances(corpora(generic=generic, own=own), 2).loc["own"]
    assert -1e-12 <= row["js"] <= np.log(2) + 1e-12
    assert row["kl"] >= -1e-12
