"""What the methods came to on a domain of one's own, and which of their models is served.

In: measurements on the domain's test documents, and of validation and latency. Out: one row per model, that which is
served first. It is **chosen by validation loss, among those within the limits** as measured here; where none is, among
all, for they were within them in the study, and something else may have been running. Test numbers choose nothing:
`behind` is a model's test loss over that of the served one, nats per token, paired by document.

    valid SLM 3.90, SLM-pn 3.88:   SLM-pn is served, though on test SLM may be ahead: then its `behind` is below zero
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from speclm.study.bootstrap import Bootstrap, draw
from speclm.study.metrics import summarise
from speclm.study.plan import KEY, Measurement

MODEL = ["method", "selection", "size", "budget"]
COLUMNS = [
    *("served", "within", "label", *MODEL, "valid_nll", "perplexity", "low", "high", "behind", "behind_low"),
    *("behind_high", "bits_per_byte", "documents", "tokens", "ms_per_token", "ms_low", "ms_high", "parameters"),
    *("steps", "best_step", "flops_specialize", "seconds_specialize"),
]


def own_results(
    documents: pd.DataFrame,
    runs: pd.DataFrame,
    timings: pd.DataFrame,
    models: Sequence[Mapping[str, Any]],
    serving: pd.DataFrame,
    labels: Mapping[str, str],
    limits: Mapping[str, Any],
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """`COLUMNS`, by what is served first, then by validation loss; size 0: before specialisation, never served.

    Args:
        documents: the tidy per-document table of all models. runs, timings: what they took.
        models: the facts beside their weights: `MODEL`, valid_nll, best_step. serving: serving.tsv of this domain.
        labels: of methods. limits: of latency and parameters, None for any.
    """
    metrics = summarise(documents, runs, bootstrap)
    facts = pd.DataFrame([{key: model[key] for key in (*MODEL, "valid_nll", "best_step")} for model in models])
    table = metrics.merge(facts, on=MODEL).merge(timings[[*KEY, "seconds_specialize"]], on=KEY)
    table = table.merge(serving[["method", "ms_per_token", "ms_low", "ms_high"]], on="method")
    table = table.assign(label=table["method"].map(labels), parameters=table["parameters_serve"])
    table["within"] = _within(table, limits).map({True: "yes", False: "no"})
    table["served"] = "no"
    table.loc[_choose(table), "served"] = "yes"
    table = table.sort_values(["served", "valid_nll", *MODEL], ascending=[False, *[True] * 5], ignore_index=True)
    draws = draw(documents, bootstrap)
    names = [Measurement._make(row) for row in table[KEY].itertuples(index=False)]
    behind = [(draws[name] - draws[names[0]]).interval(bootstrap.level) for name in names]
    table[["behind", "behind_low", "behind_high"]] = np.array(behind)
    return table[COLUMNS]


def _within(table: pd.DataFrame, limits: Mapping[str, Any]) -> pd.Series:
    """Whether each model keeps to the limits as measured here."""
    within = pd.Series(True, index=table.index)
    for column, limit in (("ms_per_token", limits["latency"]), ("parameters", limits["parameters"])):
        if limit is not None:
            within &= table[column] <= limit
    return within


def _choose(table: pd.DataFrame) -> int:
    """The row of the lowest validation loss, within the limits if there is one; of equals the first by name."""
    tuned = table.loc[table["size"] > 0]
    candidates = tuned.loc[tuned["within"] == "yes"] if (tuned["within"] == "yes").any() else tuned
    return int(candidates.sort_values(["valid_nll", *MODEL]).index[0])
