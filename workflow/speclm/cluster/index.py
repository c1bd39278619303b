"""The index: which windows lie in which cluster, so that a cluster's windows are found without looking at the others.

In go the cluster numbers of one shard's N windows; out comes their order by cluster (stable), behind the places where
each cluster begins in it, as one array of int32:

    clusters 1 0 1 2, k = 3   ->   begins 0 1 3 4, windows 1 | 0 2 | 3   ->   0 1 3 4 1 0 2 3

Shards are indexed one by one. Read together they are one long list of windows, by cluster, then shard, then number; a
table of k x shards counts says where each part of it lies, and the rest stays memory-mapped. A window is so found by a
binary search and one look into a file, among ten million tokens as among ten billion.

The tokens themselves stay in the order of their documents, one file per shard for every k and every embedder: stored by
cluster they would be there once for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_array

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ClusterIndex:
    """The index of S shards. Windows are numbered through all of them.

    Attributes:
        parts: of each shard what `index_clusters` gives.
        starts: where each cluster begins in each shard's part, int64 (k, S).
        begins: where the windows of each cluster and shard begin in the long list, int64 (k * S,).
        counts: windows in each cluster, int64 (k,).
        firsts: the number of each shard's first window, int64 (S,).
    """

    parts: Sequence[Array]
    starts: Array
    begins: Array
    counts: Array
    firsts: Array

    def begin(self, cluster: int) -> int:
        """Where a cluster begins in the long list: its windows are the next `counts[cluster]`."""
        return int(self.begins[cluster * len(self.parts)])

    def windows(self, places_D: Array) -> Array:
        """The windows that stand at these places of the long list: int64, same shape (D,)."""
        shards = len(self.parts)
        cells_D = np.searchsorted(self.begins, places_D, side="right") - 1
        shards_D = cells_D % shards
        starts_D = self.starts.ravel()[cells_D] + places_D - self.begins[cells_D]
        windows_D = self.firsts[shards_D]
        order_D, begins_S = group(shards_D, shards)
        for shard in np.flatnonzero(np.diff(begins_S)).tolist():
            chosen = order_D[begins_S[shard] : begins_S[shard + 1]]
            windows_D[chosen] += self.parts[shard][starts_D[chosen]]
        return windows_D


def write_index(clusters: Path, k: int, output: Path) -> None:
    """Write the index of one shard, whose cluster numbers stand in `clusters`: int32 (k + 1 + windows,)."""
    write_array(output, index_clusters(read_array(clusters), k), k=k)


def open_index(paths: Sequence[Path], k: int) -> ClusterIndex:
    """Open the index of shards, in order, after checking each file.

    Raises:
        UserError: an index is damaged, or of another number of clusters.
    """
    parts = []
    for path in paths:
        part = read_array(path)
        if len(part) <= k or part[0] != 0 or part[k] != len(part) - k - 1:
            raise UserError(f"is no index of {k} clusters", where=path, remedy="delete it and run again")
        parts.append(np.asarray(part))
    return join_shards(parts, k)


def join_shards(parts: Sequence[Array], k: int) -> ClusterIndex:
    """The index of all windows from those of the shards, each as `index_clusters` gives it."""
    ends_KS = np.stack([part[: k + 1] for part in parts], axis=1).astype(np.int64)
    counts_KS = np.diff(ends_KS, axis=0)
    begins, windows_S = counts_KS.cumsum() - counts_KS.ravel(), counts_KS.sum(axis=0)
    return ClusterIndex(parts, ends_KS[:-1] + k + 1, begins, counts_KS.sum(axis=1), windows_S.cumsum() - windows_S)


def index_clusters(clusters_N: Array, k: int) -> Array:
    """Where each of k clusters begins, and the end, then the windows by cluster: int32 (k + 1 + N,)."""
    order_N, begins_K = group(clusters_N, k)
    return np.concatenate([begins_K, order_N]).astype(np.int32)


def group(numbers_N: Array, k: int) -> tuple[Array, Array]:
    """The places of equal numbers, below k, side by side.

    Returns:
        The places by number, in order where numbers are equal, int64 (N,); where each number begins, and the end, int64
        (k + 1,).
    """
    counts_K = np.bincount(numbers_N, minlength=k)
    narrow = np.uint16 if k <= 1 << 16 else np.int64  # sorted digit by digit: ten times as fast
    return np.argsort(numbers_N.astype(narrow), kind="stable"), np.concatenate([[0], counts_K.cumsum()])
