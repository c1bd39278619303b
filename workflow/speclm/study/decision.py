"""Which method to use: for every cell of inference budget x specialization budget x domain size, the best one measured.

A method fits a cell when its served model fits the inference budget (small: the SLM's parameters; large: any) and its
cost for one domain fits the specialization budget: fine-tuning alone, or as much as SLM-is of one of the pretraining
budgets costs. Generic pretraining is free up to the study's largest budget, as in the paper's tree (figure 1). A method
stands there with the best of its budgets that fit; the cell's margin is the runner-up's log macro perplexity less that
of the best, paired by document.

    SLM-pn at ln 17.2, SLM at ln 18.2, SLM-is too dear: the cell is SLM-pn's by 0.057
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speclm.study.bootstrap import Statistic
from speclm.study.evidence import Evidence

INFERENCE = ("small", "large")
BEYOND_FINETUNING = ("slm_is", "slm_d")  # whose specialization is more than one fine-tuning


@dataclass(frozen=True)
class Cell:
    """One cell: `domain_budget` is the SLM-is budget that one domain may cost, 0 for fine-tuning alone.

    `best` and `rival`: names of methods, None where no second or not even a first fits; `margin`: rival less best in
    nats; `advised`: what the paper's tree names; `missing`: measurements of methods that fit and could be better.
    """

    inference: str
    domain_budget: int
    size: int
    best: str | None
    rival: str | None
    margin: Statistic | None
    advised: tuple[str, ...]
    missing: tuple[str, ...]


def decide(e: Evidence) -> list[Cell]:
    """All cells, by inference budget, size and specialization budget."""
    return [
        _cell(e, inference, budget, size)
        for inference in INFERENCE
        for size in e.plan.sizes
        for budget in (0, *e.plan.domain_budgets)
    ]


def advice(inference: str, domain_budget: int) -> tuple[str, ...]:
    """The paper's tree: the LLM where inference may cost it; else SLM-is where a domain may; else the shared ones."""
    if inference == "large":
        return ("llm",)
    return ("slm_is",) if domain_budget else ("slm_pn", "slm_mix")


def rank(
    e: Evidence, names: Sequence[str], domain_budget: int, size: int
) -> tuple[dict[str, Statistic], tuple[str, ...]]:
    """Of these methods those whose cost for one domain fits, the best first: log macro perplexity of the best of the
    plan's budgets; and the measurements that are missing.
    """
    limit = _limit(e, names, domain_budget, size)
    scores: dict[str, Statistic] = {}
    missing: set[str] = set()
    for name in names:
        for budget in e.plan.budgets_of(name):
            cost, score = e.costs(name, size, budget), e.macro(name, size, budget)
            if cost is not None and cost[1] > limit:
                continue
            if score.missing:
                missing |= set(score.missing)
            elif name not in scores or score.estimate < scores[name].estimate:
                scores[name] = score
    ranked = sorted(scores, key=lambda name: scores[name].estimate)
    return {name: scores[name] for name in ranked}, tuple(sorted(missing))


def _cell(e: Evidence, inference: str, domain_budget: int, size: int) -> Cell:
    names = [method.name for method in e.plan.methods if inference == "large" or _is_small(e, method.name)]
    scores, missing = rank(e, names, domain_budget, size)
    best, rival = [*scores, None, None][:2]
    margin = scores[rival] - scores[best] if best and rival else None
    advised = advice(inference, domain_budget)
    return Cell(inference, domain_budget, size, best, rival, margin, advised, missing)


def _limit(e: Evidence, names: Sequence[str], domain_budget: int, size: int) -> float:
    """What one domain may cost: the dearest fine-tuning, or SLM-is of this budget where that is more."""
    finetuned = [name for name in names if name not in BEYOND_FINETUNING]
    limit = max((_own(e, name, size, b) for name in finetuned for b in e.plan.budgets_of(name)), default=0.0)
    return max(limit, _own(e, "slm_is", size, domain_budget)) if domain_budget else limit


def _own(e: Evidence, name: str, size: int, budget: int) -> float:
    cost = e.costs(name, size, budget)
    return cost[1] if cost else 0.0


def _is_small(e: Evidence, name: str) -> bool:
    served = e.ledger.groupby("method")["parameters_serve"].max()
    return bool(served.get(name, 0) <= served.get("slm", float("inf")))
