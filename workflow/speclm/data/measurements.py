"""Measurements: how well a model predicts each document of a split, as it is kept.

Every token of a split's stream but the first is predicted once. Sums are kept per document, so that intervals can be
drawn over documents and bits per byte need no second look:

    documents 012 | 34567          have 2 and 5 predicted tokens

Shapes: N documents, S predicted tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from speclm.data.windows import Windows
from speclm.stage.errors import UserError
from speclm.stage.files import atomic, write_json

KEY = ["method", "selection", "domain", "size", "budget", "seed", "split"]


def sum_by_document(nll_S: NDArray[np.float64], windows: Windows) -> pd.DataFrame:
    """One row per document: document (its number in the split), nll (sum in nats), tokens (predicted ones), bytes.

    Args:
        nll_S: of every token of the stream but the first, in order.
    """
    documents = len(windows.documents) - 1
    document_S = windows.document_of(np.arange(1, len(nll_S) + 1))
    return pd.DataFrame(
        {
            "document": np.arange(documents),
            "nll": np.bincount(document_S, weights=nll_S, minlength=documents),
            "tokens": np.bincount(document_S, minlength=documents),
            "bytes": np.asarray(windows.bytes),
        }
    )


def write_measurements(output: Path, measured: Sequence[tuple[Mapping[str, Any], pd.DataFrame]]) -> dict[str, Any]:
    """Write documents.parquet (key columns and one row per document) and measurements.json (one entry per key)."""
    if not measured:
        raise UserError("there is nothing to measure", where=output, remedy="run the stage before this one again")
    frames = [frame.assign(**key)[[*KEY, *frame.columns]] for key, frame in measured]
    table = pd.concat(frames).sort_values([*KEY, "document"], kind="stable", ignore_index=True)
    write_parquet(output / "documents.parquet", table)
    entries = [{**key, **_total(frame)} for key, frame in measured]
    write_json(output / "measurements.json", sorted(entries, key=lambda entry: [entry[name] for name in KEY]))
    return {"measurements": len(measured), "documents": len(table), "tokens": int(table["tokens"].sum())}


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a table without an index: equal tables are equal bytes."""
    with atomic(path) as temporary:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), temporary, compression="zstd")


def _total(frame: pd.DataFrame) -> dict[str, Any]:
    tokens = int(frame["tokens"].sum())
    nll = float(frame["nll"].sum()) / tokens
    return {"nll": nll, "tokens": tokens, "bytes": int(frame["bytes"].sum()), "documents": len(frame)}
