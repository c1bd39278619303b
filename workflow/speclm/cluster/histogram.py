"""Histograms over clusters: what a corpus is made of, and how concentrated it is.

In go the cluster numbers of each corpus's *train* windows; out comes one long table (corpus, k, cluster, windows), from
which tables 9 (share of the most frequent cluster) and 10 (entropy in nats) of the paper are made without any training.

    counts (2, 1, 1):   probabilities (1/2, 1/4, 1/4)   top share 1/2   entropy 1.04 nats   effective clusters 2.83
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from speclm.stage.files import read_array, write_table

Array = np.ndarray[Any, Any]


def write_histograms(assignments: Mapping[tuple[str, int], Sequence[Path]], output: Path) -> dict[str, Any]:
    """Write ``histograms.tsv`` (corpus, k, cluster, windows), empty clusters included.

    Args:
        assignments: the files of the cluster numbers of train windows, one for each shard, by (corpus, k).

    Returns:
        For each "corpus k" its top share, entropy and effective number of clusters.
    """
    frames, facts = [], {}
    for (corpus, k), paths in assignments.items():
        frame = histogram_frame(corpus, k, paths)
        frames.append(frame)
        facts[f"{corpus} {k}"] = concentration(frame["windows"].to_numpy())
    write_table(output, pd.concat(frames))
    return facts


def histogram_frame(corpus: str, k: int, assignments: Sequence[Path]) -> pd.DataFrame:
    """The rows of one corpus and k, empty clusters included: corpus, k, cluster, windows."""
    counts_K = np.sum([count_clusters(read_array(path), k) for path in assignments], axis=0)
    return pd.DataFrame({"corpus": corpus, "k": k, "cluster": np.arange(k), "windows": counts_K})


def count_clusters(clusters_N: Array, k: int) -> Array:
    """Windows in each cluster: int64 (k,)."""
    counts_K: Array = np.bincount(clusters_N, minlength=k)
    assert len(counts_K) == k
    return counts_K


def concentration(counts_K: Array) -> dict[str, Any]:
    """Number of the most frequent cluster, its share (table 9), entropy in nats (table 10), exp(entropy)."""
    probabilities_K = counts_K / counts_K.sum()
    nats = entropy(probabilities_K)
    top = int(np.argmax(probabilities_K))
    return {
        "top_cluster": top,
        "top_share": float(probabilities_K[top]),
        "entropy": nats,
        "effective_clusters": float(np.exp(nats)),
    }


def entropy(probabilities_K: Array) -> float:
    """-sum p log p in nats, with 0 log 0 = 0."""
    positive = probabilities_K[probabilities_K > 0]
    return float(max(0.0, -(positive * np.log(positive)).sum()))
