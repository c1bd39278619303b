"""How concentrated each corpus is, by the share of its most frequent cluster and the entropy of its clusters, and how
far it is from the generic one.

In: clusters/histograms.tsv (corpus, k, cluster, windows). Out: one row per corpus, one column per k (paper, tables 9
and 10). Three quarters of the windows in one cluster and one quarter in another: share 0.75, entropy 0.562 nats; from a
generic text with half in each, KL 0.131 nats and Jensen-Shannon divergence 0.034 nats.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speclm.study.plan import GENERIC

Array = NDArray[np.float64]


def top_shares(histograms: pd.DataFrame) -> pd.DataFrame:
    """Share of the most frequent cluster: index corpus, columns k."""
    return pd.DataFrame(_shares(histograms).groupby(["corpus", "k"])["share"].max().unstack("k"))


def entropies(histograms: pd.DataFrame) -> pd.DataFrame:
    """Entropy of the cluster histogram in nats: index corpus, columns k."""
    shares = _shares(histograms)
    shares = shares.loc[shares["share"] > 0]
    terms = -shares["share"] * np.log(shares["share"])
    return pd.DataFrame(terms.groupby([shares["corpus"], shares["k"]]).sum().unstack("k"))


def _shares(histograms: pd.DataFrame) -> pd.DataFrame:
    windows = histograms["windows"]
    return histograms.assign(share=windows / windows.groupby([histograms["corpus"], histograms["k"]]).transform("sum"))


def distances(histograms: pd.DataFrame, k: int) -> pd.DataFrame:
    """How far every corpus is from the generic one by its histogram over k clusters: index corpus.

    Columns: effective_clusters, exp of the entropy; js, the Jensen-Shannon divergence in nats (0: the same, ln 2: no
    cluster in common); kl, KL(corpus, generic) in nats over the clusters that the generic text has; unseen, the
    share of windows in clusters that it has not.
    """
    counts = histograms.loc[histograms["k"] == k].pivot_table("windows", "corpus", "cluster", fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    generic_K = shares.loc[GENERIC].to_numpy()
    rows = {corpus: _from(row.to_numpy(), generic_K) for corpus, row in shares.iterrows()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("corpus")


def _from(p_K: Array, generic_K: Array) -> dict[str, float]:
    seen_K = generic_K > 0
    middle_K = (p_K + generic_K) / 2
    return {
        "effective_clusters": float(np.exp(-_sum(p_K, p_K))),
        "js": (_sum(p_K, p_K) - _sum(p_K, middle_K) + _sum(generic_K, generic_K) - _sum(generic_K, middle_K)) / 2,
        "kl": _sum(p_K[seen_K], p_K[seen_K]) - _sum(p_K[seen_K], generic_K[seen_K]),
        "unseen": float(p_K[~seen_K].sum()),
    }


def _sum(p_K: Array, q_K: Array) -> float:
    """sum p ln q, with 0 ln 0 = 0."""
    used_K = p_K > 0
    return float((p_K[used_K] * np.log(q_K[used_K])).sum())
