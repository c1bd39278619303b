"""The numbers of a study as points of metrics: what a chart of a tracking server is made of.

    {"step": 20, "loss": 6.9, "validation": 6.8}     train/loss 6.9 at 20, train/validation 6.8 at 20
    budget 300000, perplexity 84 on generic text     heldout/perplexity 84 at 300000
    nll 2 and 4 on two domains after 2.5k tokens     perplexity/slm/n2500 20.1 = exp(3) at the budget

A point's step is the optimizer's on a curve, tokens where its key says so, a pretraining budget where there is one
value for each, 0 otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from speclm.stage.files import read_json, read_table
from speclm.study.metrics import COST_COLUMNS, MEASURED_COLUMNS
from speclm.study.plan import GENERIC, KEY, Measurement
from speclm.study.tracked_views import OVER_TOKENS

SECONDS = ["seconds_generic", "seconds_specialize"]  # of timings.tsv
Row = Mapping[str, Any]


class Point(NamedTuple):
    """One value of a metric."""

    key: str
    value: float
    step: int


def curve(lines: Iterable[Row], prefix: str = "train") -> Iterator[Point]:
    """The lines of a training's journal."""
    for line in lines:
        for key, value in line.items():
            if key not in ("step", "expert", "size", "budget"):
                yield Point(f"{prefix}/{key}", value, line["step"])


def curves_of_pretraining(lines: Iterable[Row]) -> Iterator[Point]:
    """The trunk's lines, and those of each budget's cooldown as a curve of its own; the trunk's validation over tokens,
    too, in which methods with batches of other sizes can be overlaid."""
    for line in lines:
        if "budget" not in line and "validation" in line:
            yield Point(OVER_TOKENS, line["validation"], line["tokens"])
        yield from curve([line], f"cooldown_b{line['budget']}" if "budget" in line else "train")


def checkpoint_costs(folder: Path, seconds: Mapping[str, float]) -> Iterator[Point]:
    """What each checkpoint of a pretraining took, over its budgets."""
    for path in sorted(folder.glob("b*.json")):
        facts = read_json(path)["meta"]
        costs = {**{key: facts[key] for key in ("tokens", "steps", "flops")}, "seconds": seconds[str(facts["budget"])]}
        for key, value in costs.items():
            yield Point(f"cost/{key}", value, facts["budget"])


def measured(rows: Iterable[Row], prefix: str, over_budgets: bool) -> Iterator[Point]:
    """Test results of rows of metrics.tsv, as {prefix}/perplexity and so on."""
    return _columns(rows, prefix, MEASURED_COLUMNS, over_budgets)


def costs(rows: Iterable[Row], over_budgets: bool) -> Iterator[Point]:
    """Costs of rows of metrics.tsv and timings.tsv."""
    return _columns(rows, "cost", COST_COLUMNS + SECONDS, over_budgets)


def macro_perplexities(metrics: pd.DataFrame) -> Iterator[Point]:
    """Of every method on generic text and, for each size, over the domains: exp of the mean nll, over the budgets."""
    corpus = metrics["domain"].eq(GENERIC).map({True: "generic", False: "domains"})
    table = metrics.assign(corpus=corpus)
    keys = ["corpus", "method", "selection", "size", "budget"]
    means = table.groupby(keys)["nll"].mean().reset_index()
    for row in means.to_dict("records"):
        chosen = "" if row["selection"] == "none" else f" {row['selection']}"
        place = "generic" if row["corpus"] == "generic" else f"n{row['size']}"
        yield Point(f"perplexity/{row['method']}{chosen}/{place}", math.exp(row["nll"]), row["budget"])


def read_rows(metrics: Path, timings: Path) -> dict[Measurement, Row]:
    """metrics.tsv with the seconds of timings.tsv, by measurement."""
    table = read_table(metrics).merge(read_table(timings)[KEY + SECONDS], on=KEY, how="left")
    rows = [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]
    return {Measurement(*(row[key] for key in KEY)): row for row in rows}


def repeatable(row: Row) -> dict[str, Any]:
    """A row without its seconds, which differ from run to run."""
    return {key: value for key, value in row.items() if key not in SECONDS}


def _columns(rows: Iterable[Row], prefix: str, columns: Iterable[str], over_budgets: bool) -> Iterator[Point]:
    for row in rows:
        for column in columns:
            if not math.isnan(row[column]):
                yield Point(f"{prefix}/{column}", row[column], row["budget"] if over_budgets else 0)
