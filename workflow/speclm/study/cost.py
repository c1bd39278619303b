"""The cost ledger: what each method costs before any domain is known, per domain, and per token served.

FLOPs are counted, not measured: forward = 2 x matmul parameters + 2 x T x width x layers (causal attention) per token,
training = 3 x forward. Total cost over N tasks (paper, section 3): Ctotal(N) = Cgeneric + N x Cspecialization.

    pretraining 100, fine-tuning 2 per domain: Ctotal(1) = 102, Ctotal(50) = 200; SLM-is at 0 and 60: 60 and 3,000
"""

from __future__ import annotations

import pandas as pd

from speclm.study.plan import GENERIC

TASKS = (1, 7, 50)  # the numbers of tasks of the paper's figure 6

_RECIPE = ["method", "selection", "budget", "size"]


def ledger(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per method, selection, budget and size, costs averaged over domains and seeds.

    Columns: the four above; flops_generic, flops_specialize (per domain), flops_serve_per_token; parameters_pretrain,
    parameters_serve; total_1, total_7, total_50 (FLOPs of serving so many domains, without inference).
    """
    costs = ["flops_generic", "flops_specialize", "flops_serve_per_token", "parameters_pretrain", "parameters_serve"]
    table = metrics.loc[metrics["domain"] != GENERIC].groupby(_RECIPE, sort=True, as_index=False)[costs].mean()
    for tasks in TASKS:
        table[f"total_{tasks}"] = total(table["flops_generic"], table["flops_specialize"], tasks)
    return table


def total(generic: pd.Series, specialize: pd.Series, tasks: int) -> pd.Series:
    """Ctotal(N) = Cgeneric + N x Cspecialization."""
    return generic + tasks * specialize
