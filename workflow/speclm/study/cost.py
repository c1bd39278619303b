"""The cost ledger: what each method costs before any domain is known, per domain, and per token served.

FLOPs are counted, not measured: forward = 2 x matmul parameters + 2 x T x width x layers (causal attention) per token,
training = 3 x forward. Device-hours are measured: the seconds of timings.tsv. Total cost over N tasks (paper, section
3): Ctotal(N) = Cgeneric + N x Cspecialization.

    pretraining 100, fine-tuning 2 per domain: Ctotal(1) = 102, Ctotal(50) = 200; SLM-is at 0 and 60: 60 and 3,000
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from speclm.study.plan import GENERIC, KEY

TASKS = (1, 7, 50)  # the numbers of tasks of the paper's figure 6

Cost = TypeVar("Cost", float, pd.Series)
_RECIPE = ["method", "selection", "budget", "size"]


@dataclass(frozen=True)
class Unit:
    """What costs are counted in: how the columns of the ledger begin, and what the axes say."""

    prefix: str
    name: str


FLOPS = Unit("flops", "FLOPs")
HOURS = Unit("hours", "device-hours")
UNITS: Mapping[str, Unit] = {"flops": FLOPS, "device_hours": HOURS}  # by the values of the setting figures.cost


def ledger(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per method, selection, budget and size, costs averaged over domains and seeds.

    Columns: the four above; flops_generic, flops_specialize (per domain), flops_serve_per_token; parameters_pretrain,
    parameters_serve; total_1, total_7, total_50 (FLOPs of serving so many domains, without inference). With the times
    of `with_hours` also hours_generic and hours_specialize; with `device_time.with_time` time_generic, time_specialize.
    """
    costs = ["flops_generic", "flops_specialize", "flops_serve_per_token", "parameters_pretrain", "parameters_serve"]
    measured = (f"{unit}_{part}" for unit in ("hours", "time") for part in ("generic", "specialize"))
    costs += [column for column in measured if column in metrics.columns]
    table = metrics.loc[metrics["domain"] != GENERIC].groupby(_RECIPE, sort=True, as_index=False)[costs].mean()
    for tasks in TASKS:
        table[f"total_{tasks}"] = total(table["flops_generic"], table["flops_specialize"], tasks)
    return table


def total(generic: Cost, specialize: Cost, tasks: int) -> Cost:
    """Ctotal(N) = Cgeneric + N x Cspecialization."""
    return generic + tasks * specialize


def with_hours(metrics: pd.DataFrame, timings: pd.DataFrame) -> pd.DataFrame:
    """metrics.tsv with device-hours beside its FLOPs: hours_generic, hours_specialize, hours_to_best.

    Fine-tuning runs at one speed, so that the hours to the best validation are those of all of it by their FLOPs.
    """
    table = metrics.merge(timings[[*KEY, "seconds_generic", "seconds_specialize"]], on=KEY, how="left")
    hours = {f"hours_{part}": table[f"seconds_{part}"] / 3600 for part in ("generic", "specialize")}
    if "flops_to_best" in table.columns:
        share = table["flops_to_best"] / table["flops_specialize"].where(table["flops_specialize"] > 0)
        hours["hours_to_best"] = hours["hours_specialize"] * share.fillna(0)
    return table.drop(columns=["seconds_generic", "seconds_specialize"]).assign(**hours)
