"""The paper's tables, made from our results, each with the paper's numbers beside ours.

In: `Sources`. Out: a `Table` for each number in `TABLES`. Our budgets and sizes are not the paper's: the i-th of ours
stands beside the paper's i-th, so with budgets (4, 8, 16) its 100, 200 and 400 GPU-hours. What was not run is a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from speclm.model.size import mixture_parameter_count, parameter_count, projected_parameter_count
from speclm.stage.errors import UserError
from speclm.stage.settings import nearest
from speclm.study.bootstrap import Statistic
from speclm.study.evidence import Evidence
from speclm.study.histograms import entropies, top_shares
from speclm.study.layout import DASH, Table, count, number, with_interval
from speclm.study.limits import cost_limits
from speclm.study.peers import PEERS
from speclm.study.sources import Sources
from speclm.study.throughput import throughput

_OF_DATA = (4, 5, 8, 9, 10)  # under these it is said how the data departs from the paper's
_OF_CLUSTERS = (3, 5, 8, 9, 10)  # under these, what clusters are of and what SLM-is was drawn by
PAPER_SIZES = ("finetuned_1M", "finetuned_8M", "finetuned_64M")


def make_table(table: int, sources: Sources) -> Table:
    """The paper's table of this number.

    Raises:
        UserError: a number that is not in `TABLES`.
    """
    if table not in TABLES:
        known = ", ".join(map(str, TABLES))
        raise UserError(
            f"there is no table {table} here{nearest(f'table_{table}', [f'table_{known}' for known in TABLES])}",
            key="table",
            remedy=f"ask for one of {known}",
        )
    clusters = (sources.clusters,) if table in _OF_CLUSTERS and sources.clusters else ()
    deviations = _deviations(sources) if table in _OF_DATA else ()
    return replace(TABLES[table](sources), notes=(*clusters, *deviations))


def _deviations(sources: Sources) -> tuple[str, ...]:
    if not sources.deviations:
        return ()
    return ("Data that departs from the paper's:", *(f"{name}: {how}." for name, how in sources.deviations.items()))


def parameters_main(sources: Sources) -> Table:
    """Table 1: parameters in pretraining and in inference of the study's models."""
    table = _parameters(sources, main=True)
    return Table(1, "Parameters in millions, in pretraining and in inference.", *table)


def parameters_all(sources: Sources) -> Table:
    """Table 7: as table 1, for every number of experts."""
    table = _parameters(sources, main=False)
    return Table(7, "Parameters in millions for several numbers of experts.", *table)


def baselines(sources: Sources) -> Table:
    """Table 4: SLM, SLM-nopt and LLM at the largest budget, before and after fine-tuning; below them the peers."""
    paper = sources.published("table_4_baselines").set_index("model")
    e = sources.evidence
    last = e.plan.budgets[-1]
    raw, shown = [], []
    for method in ("slm", "slm_nopt", "llm", *(peer.name for peer in e.plan.peers)):
        label = e.plan.method(method).label
        ours = [_perplexity(e, e.macro(method, size, last)) for size in (0, *e.plan.sizes)]
        theirs = [_at(paper, label, column) for column in ("pretrained_only", *_paper_sizes(e))]
        raw.append({"model": label, **_named(e, ours), **_named_paper(e, theirs)})
        shown.append([label, *(with_interval(*cell) for cell in ours), *map(number, theirs)])
    return Table(
        4,
        f"Macro perplexity of the baselines at budget {count(last)}, with 95 % intervals, beside the paper's."
        + _of_peers(e),
        pd.DataFrame(raw),
        pd.DataFrame(shown, columns=["model", *_stages(e), *(f"paper: {stage}" for stage in _paper_stages(e))]),
    )


def expert_selection(sources: Sources) -> Table:
    """Table 5: three ways of choosing the expert, at the smallest size and the largest budget."""
    paper = sources.published("table_5_expert_selection").set_index("selection")
    paper = paper.rename(index={"most_frequent_cluster": "most_frequent"})
    e = sources.evidence
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    raw, shown = [], []
    for method in ("slm_pn", "slm_mix"):
        for selection in ("most_frequent", "best_pretrained", "best_finetuned"):
            value, low, high = _perplexity(e, e.macro(method, size, last, selection))
            factor = _cost_factor(e, method, selection, size, last)
            # the paper gives these numbers for SLM-pn only
            theirs, their_factor = (
                (_at(paper, selection, "perplexity_1M"), _at(paper, selection, "finetuning_cost_factor"))
                if method == "slm_pn"
                else (np.nan, np.nan)
            )
            label = e.plan.method(method).label
            row = {"model": label, "selection": selection, "perplexity": value, "low": low, "high": high}
            raw.append({**row, "cost_factor": factor, "paper_perplexity": theirs, "paper_cost_factor": their_factor})
            cells = [label, selection.replace("_", " "), with_interval(value, low, high), number(factor)]
            shown.append([*cells, number(theirs), number(their_factor, 0)])
    heads = ["model", "expert", "perplexity", "fine-tuning cost", "paper: perplexity", "paper: cost"]
    caption = f"Macro perplexity by the way of choosing the expert, {count(size)} tokens, budget {count(last)}; cost "
    caption += "of specialisation as a multiple of the most frequent cluster's."
    return Table(5, caption, pd.DataFrame(raw), pd.DataFrame(shown, columns=heads))


def architecture(sources: Sources) -> Table:
    """Table 6: shape and optimizer."""
    paper = sources.published("table_6_architecture").set_index("parameter")
    models = sources.models
    ours: dict[str, dict[str, Any]] = {}
    for label, size in (("SLM", models.slm), ("LLM", models.llm)):
        shape = {"layers": size.layers, "model_dim": size.width, "mlp_inner_dim": size.inner, "heads": size.heads}
        more = {"vocabulary": size.vocabulary, "context": size.context}
        ours[label] = {**shape, **models.optimizer[label], **more}
    rows = [
        [
            name,
            str(ours["SLM"][name]),
            str(ours["LLM"][name]),
            *(str(_at(paper, name, m, DASH)) for m in ("SLM", "LLM")),
        ]
        for name in ours["SLM"]
    ]
    shown = pd.DataFrame(rows, columns=["parameter", "SLM", "LLM", "paper: SLM", "paper: LLM"])
    raw = shown.rename(columns=lambda name: name.replace(": ", "_")).replace(DASH, np.nan)
    return Table(6, "Shape and optimizer of the small and the large model.", raw, shown)


def perplexity_by_cost(sources: Sources) -> Table:
    """Table 8: all methods at every pretraining budget: the data of figures 3 and 4."""
    paper = sources.published("table_8_perplexity_by_cost").set_index(["gpuh", "model"])
    e = sources.evidence
    hours = sorted(paper.index.unique("gpuh"))
    columns = ["c4_perplexity", "pile_pretrained_only", *(f"pile_{column}" for column in _paper_sizes(e))]
    raw, shown = [], []
    for i in range(len(e.plan.budgets)):
        hour = hours[i] if i < len(hours) else None
        for method in e.plan.measured:
            budgets = e.plan.budgets_of(method.name)
            if i < len(budgets):
                at = budgets[i]
                cells = [e.generic(method.name, at), *(e.macro(method.name, size, at) for size in (0, *e.plan.sizes))]
                ours = [_perplexity(e, cell) for cell in cells]
                theirs = [_at(paper, (hour, method.label), column) for column in columns]
                tokens = _pretrain_tokens(e, method.name, at)
                head = {"budget": at, "model": method.label, "pretrain_tokens": tokens, "paper_gpuh": hour}
                named = _named(e, ours[1:]) | _flat("generic", ours[0])
                raw.append({**head, **named, "paper_generic": theirs[0], **_named_paper(e, theirs[1:])})
                place = [count(at) if at else DASH, method.label, count(tokens) if tokens else DASH]
                shown.append([*place, *(with_interval(*cell) for cell in ours), *map(number, theirs)])
    heads = ["budget", "model", "tokens", "generic", *_stages(e)]
    heads += ["paper: C4", *(f"paper: {stage}" for stage in _paper_stages(e))]
    caption = (
        "Perplexity at every pretraining budget, with 95 % intervals: on held-out generic text, and the macro average "
    )
    caption += "over the domains before and after fine-tuning; beside it the paper's at "
    caption += f"{', '.join(map(str, hours[: len(e.plan.budgets)]))} GPU-hours." + _of_peers(e)
    return Table(8, caption, pd.DataFrame(raw), pd.DataFrame(shown, columns=heads))


def top_cluster_share(sources: Sources) -> Table:
    """Table 9: how much of a corpus lies in its most frequent cluster."""
    table = _clusters(top_shares(sources.histograms), sources.published("table_9_top_cluster_share"))
    return Table(9, "Share of the most frequent cluster by number of clusters k.", *table)


def cluster_entropy(sources: Sources) -> Table:
    """Table 10: entropy of the cluster histogram."""
    table = _clusters(entropies(sources.histograms), sources.published("table_10_cluster_entropy_nats"))
    return Table(10, "Entropy of the cluster histogram in nats by number of clusters k.", *table)


TABLES: Mapping[int, Callable[[Sources], Table]] = {
    1: parameters_main,
    2: throughput,
    3: cost_limits,
    4: baselines,
    5: expert_selection,
    6: architecture,
    7: parameters_all,
    8: perplexity_by_cost,
    9: top_cluster_share,
    10: cluster_entropy,
}


def _parameters(sources: Sources, *, main: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ours beside the paper's: by model when `main` (each study's own number of experts), else by model and experts."""
    models = sources.models
    served = parameter_count(models.slm)
    projections = models.projections[:1] if main else models.projections
    mixtures = models.mixtures[:1] if main else models.mixtures
    rows: list[tuple[str, float, int, int]] = [("SLM", np.nan, served, served)]
    rows += [("SLM-pn", p.experts, projected_parameter_count(models.slm, p), served) for p in projections]
    rows += [("SLM-mix", k, mixture_parameter_count(models.slm, k), served) for k in mixtures]
    rows += [("LLM", np.nan, parameter_count(models.llm), parameter_count(models.llm))]
    ours = pd.DataFrame(rows, columns=["model", "experts", "pretraining", "inference"])
    ours[["pretraining", "inference"]] /= 1e6
    paper = sources.published("table_1_7_parameters").rename(columns=lambda name: name.replace("_millions", ""))
    paper = paper.loc[paper["main"] == "yes"].drop(columns="main") if main else paper.drop(columns="main")
    raw = ours.merge(paper, on="model" if main else ["model", "experts"], how="outer", suffixes=("", "_paper"))
    rank = raw["model"].map({model: place for place, model in enumerate(("SLM", "SLM-mix", "SLM-pn", "LLM"))})
    raw = raw.assign(rank=rank).sort_values(["rank", "experts"], ignore_index=True).drop(columns="rank")
    raw = raw.rename(columns={f"{name}_paper": f"paper_{name}" for name in ours.columns})
    shown = raw.astype(object)
    for column in raw.columns[1:]:
        digits = 0 if column.endswith("experts") else 2 if column.startswith("paper") else 3
        shown[column] = [number(value, digits) for value in raw[column]]
    return raw, shown.rename(columns=lambda name: name.replace("paper_", "paper: "))


def _clusters(ours: pd.DataFrame, paper: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Our corpora, then those that only the paper has; its C4 stands beside our generic text."""
    ours = ours.rename(columns=lambda k: f"k{k}")
    theirs = paper.set_index("domain").rename(index={"c4": "generic"}).rename(columns=lambda k: f"paper_{k}")
    order = [*(name for name in ours.index if name != "generic"), *(n for n in theirs.index if n not in ours.index)]
    raw = ours.join(theirs, how="outer").reindex([*order, "generic"]).rename_axis("corpus").reset_index()
    shown = raw.copy().astype(object)
    for column in shown.columns[1:]:
        shown[column] = [number(value) for value in raw[column]]
    return raw, shown.rename(columns=lambda name: name.replace("paper_", "paper: "))


def _perplexity(e: Evidence, statistic: Statistic) -> tuple[float, float, float]:
    estimate, low, high = (float(np.exp(value)) for value in statistic.interval(e.bootstrap.level))
    return estimate, low, high


def _cost_factor(e: Evidence, method: str, selection: str, size: int, budget: int) -> float:
    """Specialisation cost as a multiple of that of the most frequent cluster's expert."""
    table = e.ledger.set_index(["method", "selection", "size", "budget"])["flops_specialize"]
    cost, base = (table.get((method, way, size, budget), np.nan) for way in (selection, "most_frequent"))
    return float(cost / base)


def _pretrain_tokens(e: Evidence, method: str, budget: int) -> int:
    rows = e.metrics.loc[(e.metrics["method"] == method) & (e.metrics["budget"] == budget), "pretrain_tokens"]
    return int(rows.max()) if len(rows) else 0


def _of_peers(e: Evidence) -> str:
    told = "; ".join(f"{peer.label} ({PEERS[peer.name].description})" for peer in e.plan.peers)
    return f" Beside the paper's methods, without a budget: {told}." if told else ""


def _named(e: Evidence, cells: list[tuple[float, float, float]]) -> dict[str, float]:
    names = ["before", *(f"n{size}" for size in e.plan.sizes)]
    return {key: value for name, cell in zip(names, cells, strict=True) for key, value in _flat(name, cell).items()}


def _flat(name: str, cell: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), cell, strict=True))


def _named_paper(e: Evidence, values: list[float]) -> dict[str, float]:
    return dict(zip(("paper_before", *(f"paper_{name}" for name in _paper_sizes(e))), values, strict=True))


def _stages(e: Evidence) -> list[str]:
    return ["before FT", *(f"FT {count(size)}" for size in e.plan.sizes)]


def _paper_stages(e: Evidence) -> list[str]:
    return ["before FT", *(name.replace("finetuned_", "FT ") for name in _paper_sizes(e))]


def _paper_sizes(e: Evidence) -> tuple[str, ...]:
    return PAPER_SIZES[: len(e.plan.sizes)]


def _at(table: pd.DataFrame, row: Any, column: str, absent: Any = np.nan) -> Any:
    """One number of the paper, `absent` where it gives none."""
    return table.loc[row, column] if row in table.index else absent
