"""Clusters of windows: k-means on the vectors of generic train, for one k at a time.

In go unit vectors; out come centroids and, for any split, the number of the nearest centroid of each window. The paper
clusters the generic set by k-means; whether balanced, on which subset and with which seed is not published. Assumed
here: Lloyd's algorithm of scikit-learn from k-means++, a named seed, clusters as large as they come out.

    vectors (1,0) (0,1) (0.9,0.1), k = 2   ->   clusters 0 1 0
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin
from threadpoolctl import threadpool_limits

from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_array
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class KMeansSettings:
    """How many windows the centroids are fitted on, and how many rounds of Lloyd's algorithm at most."""

    fit_windows: int
    iterations: int

    def __post_init__(self) -> None:
        for key in ("fit_windows", "iterations"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=f"clusters.{key}", remedy="give a number above 0")


def fit_clusters(embeddings: Path, k: int, settings: KMeansSettings, seed: int, output: Path) -> dict[str, Any]:
    """Fit k centroids on generic train and write them: float32 (k, dimensions).

    Returns:
        k, windows fitted on, rounds, mean squared distance to the nearest centroid.

    Raises:
        UserError: k is below 1, or larger than the number of windows (or of different windows).
    """
    model = fit_kmeans(read_array(embeddings), k, settings, seed, embeddings)
    write_array(output, model.cluster_centers_.astype(np.float32), k=k)
    windows = len(model.labels_)
    return {"k": k, "windows": windows, "rounds": int(model.n_iter_), "distance": float(model.inertia_) / windows}


def assign_clusters(embeddings: Path, centroids: Path, output: Path) -> dict[str, Any]:
    """Write the nearest centroid of every window: int32 (windows,).

    Returns:
        k, windows, and how many clusters have none.
    """
    centroids_KD = read_array(centroids)
    nearest_N = nearest_centroids(read_array(embeddings), centroids_KD)
    write_array(output, nearest_N, k=len(centroids_KD))
    used = len(np.unique(nearest_N))
    return {"k": len(centroids_KD), "windows": len(nearest_N), "empty_clusters": len(centroids_KD) - used}


def fit_kmeans(vectors_ND: Array, k: int, settings: KMeansSettings, seed: int, where: Path) -> KMeans:
    """Fit k centroids on a sample of the vectors, float32 (windows, dimensions), of the file `where`.

    Raises:
        UserError: as `fit_clusters`.
    """
    sample = np.sort(rng(seed, "kmeans", "sample").permutation(len(vectors_ND))[: settings.fit_windows])
    different = len(np.unique(vectors_ND[sample], axis=0))
    if not 1 <= k <= different:
        raise UserError(
            f"{k} clusters cannot be made from {different} different windows",
            where=where,
            key="clusters.k",
            remedy=f"take k from 1 to {different}, raise clusters.fit_windows, or give more generic text",
        )
    model = KMeans(k, n_init=1, max_iter=settings.iterations, random_state=int(rng(seed, "kmeans", k).integers(2**31)))
    with threadpool_limits(1):  # sums in parallel differ in the last bits
        model.fit(vectors_ND[sample])
    return model


def nearest_centroids(vectors_ND: Array, centroids_KD: Array) -> Array:
    """The number of each vector's nearest centroid: int32 (windows,)."""
    with threadpool_limits(1):
        nearest_N: Array = pairwise_distances_argmin(vectors_ND, centroids_KD).astype(np.int32)
    return nearest_N
