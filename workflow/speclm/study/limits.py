"""Table 3: the largest costs studied, once for all domains and for one domain of each size.

Costs are those of the dearest budget, in the unit that the results count in (FLOPs, or device-hours of timings.tsv),
beside the paper's A100 GPU-hours; in brackets multiples of what the SLM pays, which compare across units. A teacher's
pretraining counts as shared, SLM-is's own as its domain's.

    SLM 1.68T FLOPs (1x) and 43G (1x) per domain, LLM 9.81T (5.8x) and 251G (5.8x)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from speclm.study.layout import DASH, Table, count, number
from speclm.study.sources import Sources

PAPER_SIZES = ("1M", "8M", "64M")


def cost_limits(sources: Sources) -> Table:
    """Table 3: a row for every method that was pretrained, and for those that only the paper has."""
    e = sources.evidence
    sizes, last = e.plan.sizes, {method.name: e.plan.budgets_of(method.name)[-1] for method in e.plan.methods}
    names = ["pretraining", *(f"n{size}" for size in sizes)]
    ours = pd.DataFrame(
        {
            method.label: [
                _shared(sources, method.name, last[method.name]),
                *(_own(sources, method.name, n, last[method.name]) for n in sizes),
            ]
            for method in e.plan.methods
            if method.budgeted
        },
        index=names,
    ).T
    columns = ["pretraining_gpuh", *(f"specialization_{size}_gpuh" for size in PAPER_SIZES[: len(sizes)])]
    theirs = sources.published("table_3_cost_limits").set_index("model")[columns]
    theirs.columns = pd.Index(names[: len(columns)])
    order = [*ours.index, *(model for model in theirs.index if model not in ours.index)]
    ours, theirs = ours.reindex(order), theirs.reindex(order)
    raw = ours.join((ours / ours.loc["SLM"]).add_suffix("_ratio") if "SLM" in ours.index else ours[[]])
    raw = raw.join(theirs.add_prefix("paper_")).join(
        (theirs / theirs.loc["SLM"]).add_prefix("paper_").add_suffix("_ratio")
    )
    heads = dict(zip(names, ["pretraining", *(f"domain of {count(size)}" for size in sizes)], strict=True))
    shown = pd.DataFrame(
        {
            **{head: _cells(raw, name) for name, head in heads.items()},
            **{f"paper: {head}": _cells(raw, f"paper_{name}") for name, head in _paper_heads(names).items()},
        },
        index=raw.index,
    )
    caption = (
        f"Largest costs studied in {e.unit.name} (the paper's in A100 GPU-hours), in brackets as multiples of the "
    )
    caption += "SLM's: pretraining for all domains, and all that one domain costs."
    return Table(3, caption, *(frame.rename_axis("model").reset_index() for frame in (raw, shown)))


def _shared(sources: Sources, method: str, budget: int) -> float:
    cost = sources.evidence.costs(method, sources.evidence.plan.sizes[0], budget)
    return cost[0] if cost else np.nan


def _own(sources: Sources, method: str, size: int, budget: int) -> float:
    cost = sources.evidence.costs(method, size, budget)
    return cost[1] if cost else np.nan


def _paper_heads(names: list[str]) -> dict[str, str]:
    return dict(zip(names, ("pretraining", *PAPER_SIZES), strict=False))


def _cells(raw: pd.DataFrame, name: str) -> list[str]:
    if f"{name}_ratio" not in raw.columns:
        return [DASH if pd.isna(value) else count(value) for value in raw[name]]
    cells = raw[[name, f"{name}_ratio"]].to_numpy(float)
    return [DASH if np.isnan(v) else count(v) if v == 0 else f"{count(v)} ({number(ratio)}x)" for v, ratio in cells]
