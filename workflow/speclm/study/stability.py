"""How far tables 9 and 10 depend on the seed of k-means, and how far they agree with the paper's.

In: repetitions.tsv (corpus, k, seed, sample, windows, top_share, entropy; see `cluster.repetition`) and the paper's two
tables. Out: mean, lowest and highest over the seeds for each corpus and k; and for each k Spearman's correlation with
the paper over the domains that both studies have, made for each seed and then summarised in the same way.

    entropy of law for seeds 17, 18, 19: 1.0 1.2 1.4   ->   1.2 [1.0, 1.4]
    order law < medicine < web in both                 ->   Spearman 1
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from speclm.study.layout import DASH, Table, number, to_markdown, with_interval
from speclm.study.plan import GENERIC

MEASURES = {"top_share": (9, "Share of the most frequent cluster"), "entropy": (10, "Entropy of the cluster histogram")}
PAPER = {"top_share": "table_9_top_cluster_share", "entropy": "table_10_cluster_entropy_nats"}
SAMPLES = {"all": "all training windows", "equal": "as many training windows of each corpus as the smallest has"}


def summarise(repetitions: pd.DataFrame, paper: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per statistic, sample, corpus and k.

    Args:
        paper: for each measure the paper's table: a column "domain", and one "k16" for each number of clusters.

    Returns:
        statistic (a measure; or "spearman_" and a measure, of no corpus), sample, corpus, k, windows, seeds, mean, low,
        high, paper. A correlation over fewer than three domains is not a number.
    """
    frames = []
    for measure, theirs in paper.items():
        values = repetitions.assign(value=repetitions[measure]).merge(_long(theirs), on=["corpus", "k"], how="left")
        by_corpus = values.groupby(["sample", "corpus", "k"], sort=False)
        rows = _spread(by_corpus["value"]).assign(
            windows=by_corpus["windows"].first(), seeds=by_corpus["seed"].nunique(), paper=by_corpus["paper"].first()
        )
        frames.append(rows.reset_index().assign(statistic=measure))
        domains = values.loc[values["corpus"] != GENERIC]
        agreement = domains.groupby(["sample", "k", "seed"], sort=False)[["value", "paper"]].apply(_spearman)
        rows = _spread(agreement.groupby(["sample", "k"], sort=False)).assign(seeds=repetitions["seed"].nunique())
        frames.append(rows.reset_index().assign(statistic=f"spearman_{measure}"))
    columns = ["statistic", "sample", "corpus", "k", "windows", "seeds", "mean", "low", "high", "paper"]
    return pd.concat(frames, ignore_index=True)[columns]


def stability_tables(summary: pd.DataFrame) -> list[Table]:
    """Tables 9 and 10 with ranges over the seeds, for all windows and for equal numbers of windows."""
    return [_table(summary, measure, sample) for sample in SAMPLES for measure in MEASURES]


def read_paper(folder: Path) -> dict[str, pd.DataFrame]:
    """The paper's tables 9 and 10 by measure."""
    return {measure: pd.read_csv(folder / f"{name}.csv") for measure, name in PAPER.items()}


def to_page(summary: pd.DataFrame) -> str:
    """All tables as one page of Markdown."""
    return "\n".join(map(to_markdown, stability_tables(summary)))


def _table(summary: pd.DataFrame, measure: str, sample: str) -> Table:
    rows = summary.loc[summary["sample"] == sample]
    ours = rows.loc[rows["statistic"] == measure].set_index(["corpus", "k"])
    agreement = rows.loc[rows["statistic"] == f"spearman_{measure}"].set_index("k")
    corpora = [*(name for name in ours.index.unique("corpus") if name != GENERIC), GENERIC]
    shown = []
    for corpus in corpora:
        cells = [(_cell(ours.loc[(corpus, k)]), number(ours.loc[(corpus, k), "paper"])) for k in agreement.index]
        windows = ours.loc[corpus, "windows"].iloc[0]
        shown.append([corpus, str(int(windows)), *(text for pair in cells for text in pair)])
    last = [(_cell(agreement.loc[k]), DASH) for k in agreement.index]
    shown.append(["Spearman with the paper", DASH, *(text for pair in last for text in pair)])
    heads = [head for k in agreement.index for head in (f"k = {k}", f"paper, k = {k}")]
    table, title = MEASURES[measure]
    caption = f"{title}: mean [lowest, highest] over {rows['seeds'].max()} seeds of k-means; {SAMPLES[sample]}."
    return Table(table, caption, rows, pd.DataFrame(shown, columns=["corpus", "windows", *heads]))


def _cell(row: pd.Series) -> str:
    return with_interval(row["mean"], row["low"], row["high"])


def _long(theirs: pd.DataFrame) -> pd.DataFrame:
    """corpus, k, paper; the paper's generic text is C4."""
    rows = theirs.rename(columns={"domain": "corpus"}).melt("corpus", var_name="k", value_name="paper")
    return rows.assign(corpus=rows["corpus"].replace("c4", GENERIC), k=rows["k"].str[1:].astype(int))


def _spread(values: pd.api.typing.SeriesGroupBy[Any, Any]) -> pd.DataFrame:
    return pd.DataFrame({"mean": values.mean(), "low": values.min(), "high": values.max()})


def _spearman(pairs: pd.DataFrame) -> float:
    """The correlation of ranks, ties at their mean rank."""
    both = pairs.dropna()
    return float(both.rank().corr().to_numpy()[0, 1]) if len(both) > 2 else np.nan
