"""Costs in the device time that the study states: tokens that the SLM would be pretrained on meanwhile.

In: metrics.tsv, whose FLOPs are counted. Out: the same with time_generic, time_specialize and time_to_best. A budget is
device time by definition: a method sees budget / relative_cost tokens of it, and relative_cost is measured once and
then a setting. So budget over FLOPs of a pretraining is the time that one FLOP of this network takes, at which its
other FLOPs are charged: fine-tuning at that of the network that is served, a teacher's pretraining at the LLM's.
Seconds of this run would differ from machine to machine, and with them the verdicts.

    LLM, budget 8M, 56 TFLOPs of pretraining: 1/7 token a MFLOP; 7 TFLOPs of fine-tuning are 1M tokens
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from speclm.study.cost import Unit, ledger
from speclm.study.evidence import Evidence
from speclm.study.plan import GENERIC, Plan

TIME = Unit("time", "device time in tokens of the SLM")


def in_device_time(evidence: Evidence) -> Evidence:
    """The same evidence with costs in device time; unchanged where the study has no SLM to count it in."""
    if "slm" not in _rates(evidence.metrics):
        return evidence
    metrics = with_time(evidence.metrics, evidence.plan)
    return replace(evidence, metrics=metrics, ledger=ledger(metrics), unit=TIME)


def with_time(metrics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """metrics.tsv with time_generic, time_specialize, time_to_best.

    Args:
        plan: tells of which method a variant is: it is charged at that method's rate, so that a variant of more FLOPs
            costs more.
    """
    base = metrics["method"].map({method.name: method.of for method in plan.methods}).fillna(metrics["method"])
    rates = _rates(metrics)
    small = rates["slm"].mean()
    large = rates["llm"].mean() if "llm" in rates else small
    own = [_rate(rates, of, budget, small) for of, budget in zip(base, metrics["budget"], strict=True)]
    generic = metrics["flops_generic"] * own
    # a distilled model's shared pretraining is its own, an SLM's, and its teacher's
    taught = (base == "slm_d") & (metrics["flops_generic"] > 0)
    teacher = metrics["flops_generic"] - metrics["budget"] / small
    generic = generic.where(~taught, metrics["budget"] + teacher.clip(lower=0) * large)
    served = np.where(base == "llm", large, small)
    times = {"time_generic": generic, "time_specialize": metrics["flops_specialize"] * served}
    if "flops_to_best" in metrics.columns:
        times["time_to_best"] = metrics["flops_to_best"] * served
    return metrics.assign(**times)


def _rates(metrics: pd.DataFrame) -> dict[str, pd.Series]:
    """Tokens of the SLM per FLOP of pretraining, by budget, of every method that has one of its own."""
    rows = metrics.loc[(metrics["flops_generic"] > 0) & (metrics["domain"] != GENERIC)]
    rows = rows.loc[rows["method"] != "slm_d"]
    rate = (rows["budget"] / rows["flops_generic"]).groupby([rows["method"], rows["budget"]]).mean()
    return {str(method): rate[method] for method in rate.index.unique("method")}


def _rate(rates: dict[str, pd.Series], of: str, budget: int, small: float) -> float:
    """A method's tokens per FLOP at a budget; those of an SLM where it pretrains nothing that domains share."""
    return float(rates[of].get(budget, rates[of].mean())) if of in rates else small
