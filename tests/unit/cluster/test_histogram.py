"""Counts, shares and entropies against their closed forms."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.cluster.histogram import concentration, count_clusters, entropy, write_histograms
from speclm.stage.files import read_table, write_array


def test_the_example_of_the_module() -> None:
    facts = concentration(np.array([2, 1, 1]))
    assert facts["top_cluster"] == 0 and facts["top_share"] == 0.5
    assert facts["entropy"] == pytest.approx(1.5 * math.log(2))
    assert facts["effective_clusters"] == pytest.approx(2**1.5)


@given(st.integers(1, 500))
def test_uniform_has_the_entropy_log_k(k: int) -> None:
    assert entropy(np.full(k, 1 / k)) == pytest.approx(math.log(k))
    assert concentration(np.full(k, 7))["effective_clusters"] == pytest.approx(k)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_entropy_lies_between_its_bounds(counts: list[int]) -> None:
    facts = concentration(np.array(counts))
    used = sum(count > 0 for count in counts)
    assert -1e-12 <= facts["entropy"] <= math.log(used) + 1e-12
    assert facts["top_share"] == max(counts) / sum(counts) >= 1 / facts["effective_clusters"] - 1e-12


def test_the_table_has_every_cluster_even_empty_ones(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", np.array([0, 2, 2], dtype=np.int32))
    write_array(tmp_path / "b.npy", np.array([1], dtype=np.int32))
    facts = write_histograms({("a", 4): [tmp_path / "a.npy"], ("b", 2): [tmp_path / "b.npy"]}, tmp_path / "h.tsv")
    table = read_table(tmp_path / "h.tsv")
    assert table.columns.tolist() == ["corpus", "k", "cluster", "windows"]
    assert table.to_numpy().tolist() == [
        ["a", 4, 0, 1],
        ["a", 4, 1, 0],
        ["a", 4, 2, 2],
        ["a", 4, 3, 0],
        ["b", 2, 0, 0],
        ["b", 2, 1, 1],
    ]
    assert facts["b 2"]["entropy"] == 0 and facts["a 4"]["top_cluster"] == 2


def test_counts_have_length_k() -> None:
    assert count_clusters(np.array([3, 3]), 5).tolist() == [0, 0, 0, 2, 0]


def test_shards_are_counted_together(tmp_path: Path) -> None:
    for name, clusters in (("whole", [0, 2, 2, 1, 2]), ("first", [0, 2]), ("second", [2, 1, 2])):
        write_array(tmp_path / f"{name}.npy", np.array(clusters, dtype=np.int32))
    shards = [tmp_path / "first.npy", tmp_path / "second.npy"]
    write_histograms({("a", 4): [tmp_path / "whole.npy"]}, tmp_path / "one.tsv")
    write_histograms({("a", 4): shards}, tmp_path / "two.tsv")
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()
