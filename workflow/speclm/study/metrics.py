"""From evaluations to metrics.tsv: one row per measurement, with its interval and its costs.

In: the per-document table of every evaluated model, and the facts of its making (`runs`). Out: metrics.tsv, sorted by
`KEY`: nll, perplexity, bits per byte, interval, parameters, tokens, FLOPs, the same bytes on every run. Measured
seconds stand apart in timings.tsv, and the tidy per-document table is kept: the comparisons pair it.

    one document of 4 tokens and 8 bytes with nll 5.545: nll 1.386 per token, perplexity 4, 1 bit per byte
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import atomic
from speclm.study.bootstrap import Bootstrap, draw
from speclm.study.plan import KEY, Measurement, Plan, missing_measurements, name_measurements

DOCUMENT_COLUMNS = ["document", "nll", "tokens", "bytes"]
MEASURED_COLUMNS = ["nll", "tokens", "bytes", "documents", "perplexity", "bits_per_byte", "low", "high"]
RUN_COLUMNS = [
    "parameters_pretrain",
    "parameters_serve",
    "pretrain_tokens",
    "specialize_tokens",
    "steps",
    "flops_generic",
    "flops_specialize",
    "capped",
    "expert_spread",
    "flops_to_best",
    "flops_serve_per_token",
]
COST_COLUMNS = [*RUN_COLUMNS[:5], "flops", *RUN_COLUMNS[5:]]


def gather_documents(evaluations: Sequence[Path]) -> pd.DataFrame:
    """documents.parquet of the whole run: `KEY`, document, nll (sum, nats), tokens, bytes, sorted.

    Args:
        evaluations: the documents.parquet of every evaluation, with these columns.

    Raises:
        UserError: a file lacks a column, or a document stands twice.
    """
    frames = []
    for path in evaluations:
        frame = pd.read_parquet(path)
        absent = [column for column in KEY + DOCUMENT_COLUMNS if column not in frame.columns]
        if absent:
            raise UserError(f"lacks {', '.join(absent)}", where=path, remedy="delete this file and run again")
        frames.append(frame[KEY + DOCUMENT_COLUMNS])
    documents = pd.concat(frames, ignore_index=True)
    refuse_duplicates(documents, [*KEY, "document"], "evaluate/")
    return documents.sort_values([*KEY, "document"], ignore_index=True)


def measurements_of(documents: pd.DataFrame) -> list[Measurement]:
    """The names of all measurements of a per-document table, sorted."""
    return [Measurement._make(row) for row in documents[KEY].drop_duplicates().sort_values(KEY).itertuples(index=False)]


def write_documents_table(path: Path, documents: pd.DataFrame) -> None:
    """Write documents.parquet: equal tables are equal bytes."""
    with atomic(path) as temporary:
        documents.to_parquet(temporary, index=False, compression="zstd")


def summarise(documents: pd.DataFrame, runs: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """One row per measurement: `KEY`, `MEASURED_COLUMNS`, `COST_COLUMNS`, sorted by `KEY`.

    nll is the mean per token in nats; bits_per_byte = sum(nll) / ln 2 / sum(bytes), which does not depend on the
    vocabulary; low and high are the bootstrap interval of the perplexity over documents; flops is the sum of
    flops_generic and flops_specialize.

    Raises:
        UserError: a measurement has documents without the facts of its run, facts without documents, or stands twice.
    """
    refuse_duplicates(documents, [*KEY, "document"], "documents.parquet")
    refuse_duplicates(runs, KEY, "measurements.json")
    table = documents.groupby(KEY, sort=True, as_index=False).agg(
        total=("nll", "sum"), tokens=("tokens", "sum"), bytes=("bytes", "sum"), documents=("nll", "size")
    )
    draws = draw(documents, bootstrap)
    intervals = [draws[Measurement._make(key)].interval(bootstrap.level) for key in table[KEY].itertuples(index=False)]
    table["nll"], low, high = np.array(intervals).T
    table["perplexity"], table["low"], table["high"] = np.exp(table["nll"]), np.exp(low), np.exp(high)
    table["bits_per_byte"] = table["total"] / np.log(2) / table["bytes"]
    table = table.merge(runs, on=KEY, how="outer", indicator=True)
    for side, lacking in (("left_only", "the facts of its run"), ("right_only", "documents")):
        alone = table.loc[table["_merge"] == side, KEY]
        if len(alone):
            raise UserError(
                f"without {lacking}: {_in_words(alone)}",
                where="evaluate/",
                remedy="delete the folders of these measurements and run again",
            )
    table["flops"] = table["flops_generic"] + table["flops_specialize"]
    return table[KEY + MEASURED_COLUMNS + COST_COLUMNS].sort_values(KEY, ignore_index=True)


def check_metrics(metrics: pd.DataFrame, plan: Plan, where: str | Path) -> None:
    """Refuse metrics in which a measurement stands twice or one that the plan expects is missing.

    Raises:
        UserError: naming the rows.
    """
    refuse_duplicates(metrics, KEY, where)
    missing = missing_measurements(metrics, plan)
    if missing:
        raise UserError(
            f"{len(missing)} measurements that the config asks for are missing: {name_measurements(missing, most=8)}",
            where=where,
            remedy="run the workflow again until it ends well; it continues where it stopped",
        )


def refuse_duplicates(frame: pd.DataFrame, key: list[str], where: str | Path) -> None:
    """Refuse a table in which a row stands twice.

    Raises:
        UserError: naming the measurements.
    """
    twice = frame.loc[frame.duplicated(key), KEY].drop_duplicates()
    if len(twice):
        raise UserError(
            f"stand twice: {_in_words(twice)}",
            where=where,
            remedy="keep one row per measurement: two runs were probably joined",
        )


def _in_words(keys: pd.DataFrame) -> str:
    return name_measurements([Measurement._make(row) for row in keys.itertuples(index=False)], most=8)
