"""Importance sampling of the generic set towards a domain: SLM-is (sections 2.1 and 2.2 of the paper).

If a text depends on its set only through its cluster, P(x|c,Ds) = P(x|c,Dg), a domain's loss is a weighted generic
loss:

    L(Ds) = E_{x ~ Dg}[w(c(x)) l(x)],      w(c) = P(c|Ds) / P(c|Dg)

which is estimated by resampling: draw a cluster c from P(c|Ds), then a window uniformly from the generic windows of c.
P(c|Ds) is counted on as many windows of the domain as the stated budget has, not on all that there happen to be.
Windows are counted and drawn; their clusters are those of their passages.

    Dg in clusters 0 0 0 1, Ds in clusters 0 1:   w = (0.5/0.75, 0.5/0.25) = (2/3, 2); the draws are half 0 and half 1

Within a cluster windows are drawn in shuffled passes: every window once, then all of them again in a new order. Each
draw by itself is uniform, as with independent draws, so expectations are the same; but no window returns before its
cluster is used up, so fewer repeat. Clusters that Dg does not have cannot be drawn: their mass is spread over the
others and reported.

Time and memory go by the number of draws, not by that of windows: members are found by the index, and of a cluster of
more than `SHUFFLED_WHOLE` windows an unfinished pass takes only what it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speclm.cluster.histogram import concentration, count_clusters
from speclm.cluster.index import ClusterIndex, group, open_index
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_array

Array = np.ndarray[Any, Any]
SHUFFLED_WHOLE = 1 << 14  # windows
DRAW_BYTES = 26  # of memory that a draw takes: measured
FILLED_TOGETHER = 1 << 20  # draws: so many share the reading of a thousand shards


def resample_windows(
    domain_clusters: Path,
    domain_windows: int | None,
    generic_index: Sequence[Path],
    k: int,
    draws: int,
    generator: np.random.Generator,
    output: Path,
) -> dict[str, Any]:
    """Write the generic windows that a domain's model is pretrained on, in training order: int64 (draws,).

    Args:
        domain_clusters: cluster numbers of the domain's train windows.
        domain_windows: how many of them, from the first on, the histogram counts: the stated budget; None: all.
        generic_index: of the generic train windows, one file per shard, in order.
        generator: of the stream named by the domain, so that adding a domain changes no other's sample.

    Returns:
        Windows that the histogram counts, effective number of clusters and of windows, repetition rate, most
        repetitions of one window, unseen mass.

    Raises:
        UserError: the domain has fewer windows; no cluster of the domain has a generic window.
    """
    index = open_index(generic_index, k)
    counted_N = _first(domain_clusters, domain_windows)
    generic_K, domain_K = index.counts, count_clusters(counted_N, k)
    target_K, unseen = target_probabilities(domain_K, generic_K)
    if unseen == 1:
        raise UserError(
            "no generic window stands in any cluster of the domain",
            where=domain_clusters,
            key="clusters.k",
            remedy="take a smaller k, or more generic text",
        )
    windows = draw_windows(index, target_K, draws, generator)
    write_array(output, windows, k=k)
    times = np.unique(windows, return_counts=True)[1]
    weights_K = importance_weights(domain_K, generic_K)
    return {
        "draws": draws,
        "histogram_windows": len(counted_N),
        "different_windows": len(times),
        "repetition_rate": 1 - len(times) / draws,
        "most_repetitions": int(times.max()),
        "unseen_mass": unseen,
        "effective_clusters": concentration(domain_K)["effective_clusters"],
        "effective_windows": float(generic_K.sum() / (generic_K / generic_K.sum() * weights_K**2).sum()),
        "largest_weight": float(weights_K.max()),
    }


def target_probabilities(domain_K: Array, generic_K: Array) -> tuple[Array, float]:
    """P(c|Ds) over the clusters that Dg has, and the mass of those it has not.

    Returns:
        float64 (K,) summing to 1 (all zero where nothing can be drawn), and the unseen mass.
    """
    shares_K = domain_K / domain_K.sum()
    seen_K = np.where(generic_K > 0, shares_K, 0)
    if not seen_K.any():
        return seen_K, 1.0
    return seen_K / seen_K.sum(), float(shares_K[generic_K == 0].sum())


def importance_weights(domain_K: Array, generic_K: Array) -> Array:
    """w(c) = P(c|Ds) / P(c|Dg), zero where Dg has nothing: float64 (K,); their mean under P(c|Dg) is 1."""
    target_K, _ = target_probabilities(domain_K, generic_K)
    weights_K: Array = np.divide(
        target_K * generic_K.sum(), generic_K, out=np.zeros(len(generic_K)), where=generic_K > 0
    )
    return weights_K


def draw_windows(index: ClusterIndex, target_K: Array, draws: int, generator: np.random.Generator) -> Array:
    """Draw clusters from `target_K`, then windows from shuffled passes through each cluster: int64 (draws,).

    It takes `DRAW_BYTES` for each draw, as a few clusters are filled at a time: with all at once it was 73.
    """
    drawn_D, begins_K = group(generator.choice(len(target_K), size=draws, p=target_K), len(target_K))
    windows_D = np.empty(draws, dtype=np.int64)
    places, done = list[Array](), 0
    for cluster in np.flatnonzero(np.diff(begins_K)).tolist():
        first, last = begins_K[cluster : cluster + 2].tolist()
        places.append(index.begin(cluster) + _shuffled_passes(index.counts[cluster], last - first, generator))
        if last - done >= FILLED_TOGETHER or last == draws:
            windows_D[drawn_D[done:last]] = index.windows(np.concatenate(places))
            places, done = [], last
    return windows_D


def _first(domain_clusters: Path, windows: int | None) -> Array:
    """The cluster numbers of a domain's first windows, or of all."""
    clusters_N = read_array(domain_clusters)
    if windows is not None and not 1 <= windows <= len(clusters_N):
        raise UserError(
            f"a histogram of {windows} windows; the domain has {len(clusters_N)} windows of training text",
            where=domain_clusters,
            key="models.slm_is.histogram_tokens",
            remedy="take fewer tokens, but a window or more; null takes all; or give the domain more documents",
        )
    return clusters_N[:windows]


def _shuffled_passes(members: int, draws: int, generator: np.random.Generator) -> Array:
    """Numbers below `members`: all of them in a random order, then all in another, …: int64 (draws,)."""
    whole, rest = divmod(draws, members)
    passes = [generator.permutation(members) for _ in range(whole)]
    if rest and members <= SHUFFLED_WHOLE:
        passes.append(generator.permutation(members)[:rest])
    elif rest:
        passes.append(generator.choice(members, size=rest, replace=False))
    return np.concatenate(passes)
