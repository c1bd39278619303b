"""Clusters: k-means on a sample of the vectors of generic train's passages, for one k at a time.

In go unit vectors of passages and the passage of each window; out come centroids and, for any split or shard, the
cluster of each window: the number of the centroid that is nearest to its passage. Only the sample's rows of the shards
are held (each file is once read against its checksum), and passages are assigned block by block. The paper clusters the
generic set by k-means; whether balanced, on which subset and with which seed is not published. Assumed here: Lloyd's
algorithm of scikit-learn from k-means++, a named seed, clusters as large as they come out.

    passages (1,0) (0,1) (0.9,0.1), windows in passages 0 0 1 2, k = 2   ->   clusters of the windows 0 0 1 0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin
from threadpoolctl import threadpool_limits

from speclm.cluster.passage import windows_path
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_array
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]
_ASSIGNED_TOGETHER = 1 << 16  # passages; a multiple of scikit-learn's blocks of 256, so that no bit changes


@dataclass(frozen=True)
class KMeansSettings:
    """How many passages the centroids are fitted on, and how many rounds of Lloyd's algorithm at most."""

    fit_passages: int
    iterations: int

    def __post_init__(self) -> None:
        for key in ("fit_passages", "iterations"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=f"clusters.{key}", remedy="give a number above 0")


def fit_clusters(
    embeddings: Sequence[Path], k: int, settings: KMeansSettings, seed: int, output: Path
) -> dict[str, Any]:
    """Fit k centroids on generic train, of which these are the shards, and write them: float32 (k, dimensions).

    Returns:
        k, passages fitted on, rounds, mean squared distance to the nearest centroid.

    Raises:
        UserError: k is below 1, or larger than the number of passages (or of different passages).
    """
    model = fit_kmeans(embeddings, k, settings, seed)
    write_array(output, model.cluster_centers_.astype(np.float32), k=k)
    passages = len(model.labels_)
    return {"k": k, "passages": passages, "rounds": int(model.n_iter_), "distance": float(model.inertia_) / passages}


def assign_clusters(embeddings: Path, centroids: Path, output: Path) -> dict[str, Any]:
    """Write the cluster of every window, the nearest centroid of its passage: int32 (windows,).

    Args:
        embeddings: the passages' vectors, with the passage of each window beside them.

    Returns:
        k, windows, and how many clusters have none.
    """
    centroids_KD = read_array(centroids)
    clusters_N = clusters_of_windows(embeddings, centroids_KD)
    write_array(output, clusters_N, k=len(centroids_KD))
    used = len(np.unique(clusters_N))
    return {"k": len(centroids_KD), "windows": len(clusters_N), "empty_clusters": len(centroids_KD) - used}


def clusters_of_windows(embeddings: Path, centroids_KD: Array) -> Array:
    """The number of the centroid nearest to each window's passage: int32 (windows,)."""
    nearest_P = nearest_centroids(read_array(embeddings), centroids_KD)
    clusters_N: Array = nearest_P[read_array(windows_path(embeddings))]
    return clusters_N


def fit_kmeans(embeddings: Sequence[Path], k: int, settings: KMeansSettings, seed: int) -> KMeans:
    """Fit k centroids on a sample of the vectors of all shards, float32 (passages, dimensions) each.

    Raises:
        UserError: as `fit_clusters`.
    """
    vectors_ND = sample_vectors(embeddings, settings.fit_passages, seed)
    different = count_different(vectors_ND, k)
    if not 1 <= k <= different:
        raise UserError(
            f"{k} clusters cannot be made from {different} different passages",
            where=embeddings[0],
            key="clusters.k",
            remedy=f"take k from 1 to {different}, raise clusters.fit_passages, or give more generic text",
        )
    model = KMeans(k, n_init=1, max_iter=settings.iterations, random_state=int(rng(seed, "kmeans", k).integers(2**31)))
    with threadpool_limits(1):  # sums in parallel differ in the last bits
        model.fit(vectors_ND)
    return model


def count_different(vectors_ND: Array, most: int) -> int:
    """How many different vectors there are, but looks no further than `most`."""
    seen = set[bytes]()
    for vector_D in vectors_ND:
        seen.add(vector_D.tobytes())
        if len(seen) == most:
            break
    return len(seen)


def sample_vectors(embeddings: Sequence[Path], passages: int, seed: int) -> Array:
    """The vectors of so many passages, or of all, drawn from all shards alike: float32 (sample, dimensions)."""
    shards = [read_array(path) for path in embeddings]
    ends = np.cumsum([len(vectors_ND) for vectors_ND in shards])
    sample = np.sort(rng(seed, "kmeans", "sample").permutation(ends[-1])[:passages])
    parts = np.split(sample, np.searchsorted(sample, ends[:-1]))
    starts = ends - [len(vectors_ND) for vectors_ND in shards]
    return np.concatenate(
        [vectors_ND[part - start] for vectors_ND, part, start in zip(shards, parts, starts, strict=True)]
    )


def nearest_centroids(vectors_ND: Array, centroids_KD: Array) -> Array:
    """The number of each vector's nearest centroid: int32 (passages,)."""
    nearest_N = np.empty(len(vectors_ND), dtype=np.int32)
    with threadpool_limits(1):
        for start in range(0, len(vectors_ND), _ASSIGNED_TOGETHER):
            block = slice(start, start + _ASSIGNED_TOGETHER)
            nearest_N[block] = pairwise_distances_argmin(vectors_ND[block], centroids_KD)
    return nearest_N
