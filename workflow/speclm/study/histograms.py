"""How concentrated each corpus is: the share of its most frequent cluster, and the entropy of its clusters.

In: clusters/histograms.tsv (corpus, k, cluster, windows). Out: one row per corpus, one column per k (paper, tables 9
and 10). Three quarters of the windows in one cluster and one quarter in another: share 0.75, entropy 0.562 nats.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


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
