"""Tables 9 and 10 again for other seeds of k-means: does what they say depend on where k-means began?

In go the vectors of the passages of every corpus's train text, with the passage of each window; out comes one row for
each k, seed and corpus with the share of the most frequent cluster (table 9) and the entropy of the histogram in nats
(table 10). The clusters of a seed are those that the study would have with it as `clusters.seed`. Few windows cannot
fill many clusters, so that a small corpus looks more concentrated than it is; hence each row twice: with all windows,
and with as many of each corpus as the smallest has ("equal"), which compares corpora of different sizes.

    corpus law   k 4   seed 18   sample all   windows 300   top_share 0.5   entropy 1.04
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from speclm.cluster.histogram import concentration, count_clusters
from speclm.cluster.kmeans import KMeansSettings, clusters_of_windows, fit_kmeans
from speclm.cluster.passage import windows_path
from speclm.data.names import GENERIC
from speclm.stage.files import read_array, write_table
from speclm.stage.streams import rng


def repeat_clusters(
    embeddings: Mapping[str, Sequence[Path]],
    ks: Sequence[int],
    settings: KMeansSettings,
    seeds: Sequence[int],
    output: Path,
) -> dict[str, Any]:
    """Write ``repetitions.tsv``: corpus, k, seed, sample (all or equal), windows, top_share, entropy.

    Args:
        embeddings: the vectors of each corpus's train text, a file for each shard with the passage of each window
            beside it; k-means is fitted on those of "generic".

    Returns:
        Number of seeds, and of the windows that every corpus has in the equal sample.

    Raises:
        UserError: k is larger than the number of different generic passages.
    """
    fewest = min(sum(len(read_array(windows_path(path))) for path in paths) for paths in embeddings.values())
    rows = []
    for k in ks:
        for seed in seeds:
            centroids_KD = fit_kmeans(embeddings[GENERIC], k, settings, seed).cluster_centers_
            for corpus, paths in embeddings.items():
                all_N = np.concatenate([clusters_of_windows(path, centroids_KD) for path in paths])
                drawn_N = all_N[rng(seed, "repetition", corpus).permutation(len(all_N))[:fewest]]
                for sample, clusters_N in (("all", all_N), ("equal", drawn_N)):
                    facts = concentration(count_clusters(clusters_N, k))
                    measured = {measure: facts[measure] for measure in ("top_share", "entropy")}
                    row = {"corpus": corpus, "k": k, "seed": seed, "sample": sample, "windows": len(clusters_N)}
                    rows.append({**row, **measured})
    write_table(output, pd.DataFrame(rows))
    return {"seeds": len(seeds), "equal_windows": fewest}
