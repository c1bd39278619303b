"""The index against looking at every window."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.cluster.index import group, index_clusters, join_shards, open_index, write_index
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, write_array

K = 4
shards = st.lists(st.lists(st.integers(0, K - 1), max_size=20), min_size=1, max_size=5)


def test_the_example_of_the_module() -> None:
    part = index_clusters(np.array([1, 0, 1, 2]), 3)
    assert part.dtype == np.int32
    assert part.tolist() == [0, 1, 3, 4, 1, 0, 2, 3]


@given(st.lists(st.integers(0, 70_000), max_size=30), st.sampled_from([70_001, 1 << 17]))
def test_groups_are_stable_whatever_the_width(numbers: list[int], k: int) -> None:
    order, begins = group(np.array(numbers, dtype=np.int64), k)
    assert order.tolist() == sorted(range(len(numbers)), key=lambda place: numbers[place])
    assert np.diff(begins).tolist() == np.bincount(np.array(numbers, dtype=np.int64), minlength=k).tolist()


@given(shards)
def test_the_long_list_holds_every_window_by_cluster_then_number(parts: list[list[int]]) -> None:
    clusters = np.array([number for part in parts for number in part], dtype=np.int32)
    index = join_shards([index_clusters(np.array(part, dtype=np.int32), K) for part in parts], K)
    listed = index.windows(np.arange(len(clusters)))
    assert listed.tolist() == np.argsort(clusters, kind="stable").tolist()
    assert index.counts.tolist() == np.bincount(clusters, minlength=K).tolist()
    for cluster in range(K):
        members = index.windows(index.begin(cluster) + np.arange(index.counts[cluster]))
        assert members.tolist() == np.flatnonzero(clusters == cluster).tolist()


@given(shards, st.integers(0, 99))
def test_places_are_looked_up_in_any_order(parts: list[list[int]], seed: int) -> None:
    index = join_shards([index_clusters(np.array(part, dtype=np.int32), K) for part in parts], K)
    places = np.random.default_rng(seed).permutation(sum(map(len, parts)))
    assert index.windows(places).tolist() == index.windows(np.arange(len(places)))[places].tolist()


def write_shards(folder: Path, parts: list[list[int]]) -> list[Path]:
    paths = []
    for number, part in enumerate(parts):
        write_array(folder / f"{number}.npy", np.array(part, dtype=np.int32))
        write_index(folder / f"{number}.npy", K, folder / f"index{number}.npy")
        paths.append(folder / f"index{number}.npy")
    return paths


def test_files_are_mapped_and_described(tmp_path: Path) -> None:
    paths = write_shards(tmp_path, [[3, 0], [], [0, 3, 1]])
    index = open_index(paths, K)
    assert index.windows(np.arange(5)).tolist() == [1, 2, 4, 0, 3]
    assert isinstance(index.parts[0].base, np.memmap)
    assert read_json(f"{paths[0]}.json")["dtype"] == "int32"


def test_an_index_of_other_clusters_is_refused(tmp_path: Path) -> None:
    [path] = write_shards(tmp_path, [[3, 0, 1]])
    for k in (3, 5, 100):
        with pytest.raises(UserError, match=rf"0\.npy: is no index of {k} clusters"):
            open_index([path], k)
