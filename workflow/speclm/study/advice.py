"""Which method to take for a domain of one's own, before anything is spent on it.

In: what is known of the domain (tokens, clusters, what the generic model makes of it) and a finished study; out: the
methods that fit the budgets, the best first, as the study measured them on its own domains at the nearest size; what
would fit if more could be spent; and what none of that says.

    log macro perplexity 3.89 for SLM, 3.94 for SLM-pn:   SLM first, SLM-pn 0.05 behind
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from speclm.stage.errors import UserError
from speclm.study.bootstrap import Statistic
from speclm.study.budgets import Limits, fitting_methods, served_models
from speclm.study.decision import advice as paper_tree
from speclm.study.decision import rank
from speclm.study.evidence import Evidence
from speclm.study.histograms import distances
from speclm.study.layout import count
from speclm.study.own_domain import Domain, beside_study, size_class, unknown

TRIED = 3  # methods that are specialised


@dataclass(frozen=True)
class Costs:
    """What was measured beside the quality: serving.tsv and timings.tsv of a study."""

    serving: pd.DataFrame
    timings: pd.DataFrame


def advise(
    domain: Domain, evidence: Evidence, costs: Costs, histograms: pd.DataFrame, k: int, limits: Limits
) -> dict[str, Any]:
    """The advice, ready for JSON: what was not measured is None.

    Args:
        histograms: of the study's corpora and the domain. k: the clustering that distances are taken by.

    Returns:
        The facts and limits; `size`; `corpora`: the domain beside the study's, one row each; `ranking`: methods that
        fit, the best first, with what they cost; `excluded`: the others and why; `more`: the best by specialization
        budget; `offer`: an SLM-is, to be pretrained for this domain; `paper`: what its tree names; `by_domain`: margins
        of the first over the second on the study's domains; `chosen`: what is to be specialised; `unknown`: in words.

    Raises:
        UserError: too little text; no model meets the limits; nothing was measured.
    """
    e = _within(evidence, limits)
    size = size_class(domain.tokens["train"], e.plan.sizes, domain.name)
    served = served_models(e, costs.serving)
    fitting, excluded = fitting_methods(e, served, limits)
    scores, missing = rank(e, fitting, limits.specialization, size)
    if not scores:
        raise UserError(
            f"no method that fits was measured at {size} tokens", where="metrics.tsv", remedy="finish the study first"
        )
    table = beside_study(domain, e, distances(histograms, k))
    first, second = [*scores, None, None][:2]
    dear = {name: _dear(e, costs, name, size, limits, scores[str(first)]) for name in fitting if name not in scores}
    ranking = [_row(e, costs, served, size, limits, name, scores, scores[str(first)]) for name in scores]
    advice = {
        **asdict(domain),
        "limits": asdict(limits),
        "size": size,
        "k": k,
        "corpora": table.reset_index().to_dict("records"),
        "ranking": ranking,
        "excluded": {**excluded, **dear},
        "more": [
            _if_spent(evidence, costs, served, limits, budget, size) for budget in (0, *evidence.plan.domain_budgets)
        ],
        "offer": _offer(e, costs, limits, size, scores[str(first)]),
        "paper": list(paper_tree("large" if "llm" in fitting else "small", limits.specialization)),
        "by_domain": _by_domain(e, str(first), second, size, limits) if second else {},
        "chosen": list(scores)[:TRIED],
        "unknown": unknown(domain, e, costs.serving, table, size, missing),
    }
    known: dict[str, Any] = _without_nan(advice)
    return known


def _within(e: Evidence, limits: Limits) -> Evidence:
    """The evidence at the budgets that count."""
    own = (limits.specialization,) if limits.specialization else ()
    return replace(e, plan=replace(e.plan, budgets=(limits.pretraining,), domain_budgets=own))


def _budget(name: str, limits: Limits) -> int:
    """The pretraining budget that a method is taken with."""
    return limits.specialization if name == "slm_is" else limits.pretraining


def _row(
    e: Evidence,
    costs: Costs,
    served: pd.DataFrame,
    size: int,
    limits: Limits,
    name: str,
    scores: Mapping[str, Statistic],
    best: Statistic,
) -> dict[str, Any]:
    """A method of the ranking; `behind`: log macro perplexity over that of the best, nats."""
    level = e.bootstrap.level
    perplexity = dict(zip(("perplexity", "low", "high"), np.exp(scores[name].interval(level)).tolist(), strict=True))
    behind = (scores[name] - best).interval(level)
    return {
        "method": name,
        "label": e.plan.method(name).label,
        **perplexity,
        **dict(zip(("behind", "behind_low", "behind_high"), behind, strict=True)),
        "ms_per_token": float(served["ms"].to_dict()[name]),
        "parameters": int(served["parameters"].to_dict()[name]),
        **_spent(e, costs, name, size, _budget(name, limits)),
    }


def _spent(e: Evidence, costs: Costs, name: str, size: int, budget: int) -> dict[str, float]:
    """What a method took for one domain: FLOPs and seconds."""
    kind = e.plan.method(name)
    rows = costs.timings[["method", "selection", "size", "budget"]].eq(
        [name, kind.selections[0], size, budget if kind.budgeted else 0]
    )
    cost = e.costs(name, size, budget)
    seconds = costs.timings.loc[rows.all(axis=1), "seconds_specialize"].mean()
    return {"flops": cost[1] if cost else float("nan"), "seconds": float(seconds)}


def _if_spent(
    evidence: Evidence, costs: Costs, served: pd.DataFrame, limits: Limits, budget: int, size: int
) -> dict[str, Any]:
    """The best method where one domain may cost an SLM-is of this budget, 0 for fine-tuning alone."""
    other = replace(limits, specialization=budget, pretraining=max(budget, limits.pretraining))
    e = _within(evidence, other)
    scores, _ = rank(e, fitting_methods(e, served, other)[0], budget, size)
    best, rival = [*scores, None, None][:2]
    if best is None:
        return {"specialization": budget, "best": None}
    margin = (scores[rival] - scores[best]).interval(e.bootstrap.level) if rival else (float("nan"),) * 3
    return {
        "specialization": budget,
        "best": e.plan.method(best).label,
        "rival": e.plan.method(rival).label if rival else None,
        **dict(zip(("margin", "low", "high"), margin, strict=True)),
        **_spent(e, costs, best, size, _budget(best, other)),
    }


def _dear(e: Evidence, costs: Costs, name: str, size: int, limits: Limits, best: Statistic) -> str:
    """What leaves a method out that costs too much for one domain."""
    spent = _spent(e, costs, name, size, _budget(name, limits))
    behind, _, _ = (e.macro(name, size, _budget(name, limits)) - best).interval(e.bootstrap.level)
    return f"{count(spent['flops'])} FLOPs for a domain; {behind:+.3f} nats per token behind the first"


def _offer(e: Evidence, costs: Costs, limits: Limits, size: int, best: Statistic) -> dict[str, Any] | None:
    """What an SLM-is of the largest budget allowed would cost, and the nats per token that it is behind the best."""
    score = e.macro("slm_is", size, limits.pretraining)
    if limits.specialization or score.missing:
        return None
    behind = (score - best).interval(e.bootstrap.level)
    return {
        "specialization": limits.pretraining,
        **dict(zip(("behind", "low", "high"), behind, strict=True)),
        **_spent(e, costs, "slm_is", size, limits.pretraining),
    }


def _by_domain(e: Evidence, first: str, second: str, size: int, limits: Limits) -> dict[str, list[float]]:
    """The margin of one method over another on every domain of the study: estimate, low, high."""
    margins = {
        domain: e.on(domain, second, size, _budget(second, limits)) - e.on(domain, first, size, _budget(first, limits))
        for domain in e.plan.domains
    }
    return {domain: list(margin.interval(e.bootstrap.level)) for domain, margin in margins.items()}


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and isnan(value) else value
