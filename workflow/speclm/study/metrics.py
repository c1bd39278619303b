"""From evaluations to metrics.tsv: one row per measurement, with its interval and its costs.

In: for every evaluated model a per-document table and the facts of its making. Out: three tables, all sorted by `KEY`:
`metrics` (nll, perplexity, bits per byte, interval, parameters, tokens, FLOPs: the same bytes on every run),
`timings` (measured seconds, apart because they are not), and the tidy per-document table that the comparisons pair.

    one document of 4 tokens and 8 bytes with nll 5.545: nll 1.386 per token, perplexity 4, 1 bit per byte
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json
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
    "flops_serve_per_token",
]
COST_COLUMNS = [*RUN_COLUMNS[:5], "flops", *RUN_COLUMNS[5:]]
TIMING_COLUMNS = ["seconds_generic", "seconds_specialize", "device", "host"]


def gather(evaluations: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read evaluation folders: the tidy documents, the runs' facts, and their timings, each sorted by `KEY`.

    Every folder holds documents.parquet (`KEY` + document, nll, tokens, bytes) and measurements.json (a list of
    mappings: `KEY`, the facts of `RUN_COLUMNS` and of `TIMING_COLUMNS`).
    """
    documents = pd.concat([_documents(folder) for folder in evaluations], ignore_index=True)
    records = pd.concat([_records(folder) for folder in evaluations], ignore_index=True)
    return (
        documents[KEY + DOCUMENT_COLUMNS].sort_values([*KEY, "document"], ignore_index=True),
        records[KEY + RUN_COLUMNS].sort_values(KEY, ignore_index=True),
        records[KEY + TIMING_COLUMNS].sort_values(KEY, ignore_index=True),
    )


def summarise(documents: pd.DataFrame, runs: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """One row per measurement: `KEY`, `MEASURED_COLUMNS`, `COST_COLUMNS`, sorted by `KEY`.

    nll is the mean per token in nats; bits_per_byte = sum(nll) / ln 2 / sum(bytes), which does not depend on the
    vocabulary; low and high are the bootstrap interval of the perplexity over documents; flops is the sum of
    flops_generic and flops_specialize.

    Raises:
        UserError: a measurement has documents without the facts of its run, facts without documents, or stands twice.
    """
    _refuse_duplicates(documents, [*KEY, "document"], "documents.parquet")
    _refuse_duplicates(runs, KEY, "measurements.json")
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
    _refuse_duplicates(metrics, KEY, where)
    missing = missing_measurements(metrics, plan)
    if missing:
        raise UserError(
            f"{len(missing)} measurements that the config asks for are missing: {name_measurements(missing, most=8)}",
            where=where,
            remedy="run the workflow again until it ends well; it continues where it stopped",
        )


def _refuse_duplicates(frame: pd.DataFrame, key: list[str], where: str | Path) -> None:
    twice = frame.loc[frame.duplicated(key), KEY].drop_duplicates()
    if len(twice):
        raise UserError(
            f"stand twice: {_in_words(twice)}",
            where=where,
            remedy="keep one row per measurement: two runs were probably joined",
        )


def _in_words(keys: pd.DataFrame) -> str:
    return name_measurements([Measurement._make(row) for row in keys.itertuples(index=False)], most=8)


def _documents(folder: Path) -> pd.DataFrame:
    path = Path(folder) / "documents.parquet"
    return _require(pd.read_parquet(path), KEY + DOCUMENT_COLUMNS, path)


def _records(folder: Path) -> pd.DataFrame:
    path = Path(folder) / "measurements.json"
    return _require(pd.DataFrame.from_records(read_json(path)), KEY + RUN_COLUMNS + TIMING_COLUMNS, path)


def _require(frame: pd.DataFrame, columns: list[str], where: Path) -> pd.DataFrame:
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise UserError(f"lacks {', '.join(absent)}", where=where, remedy="delete this folder and run again")
    return frame
