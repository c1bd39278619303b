"""What the study measures: the methods' names and kinds, and the list of measurements a complete run holds.

One measurement is one model evaluated on one split; its name is the seven columns of `KEY`. The plan is what the
config asks for, so that a gap in the results is seen, not drawn over. With two domains, sizes (10, 80) and budgets
(100, 200), the method slm stands for 2 generic measurements and 2 x 2 x 3 on the domains (size 0 is before fine-tuning).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

GENERIC = "generic"


class Measurement(NamedTuple):
    """The name of one row of metrics.tsv."""

    method: str
    selection: str
    domain: str
    size: int
    budget: int
    seed: int
    split: str

    def __str__(self) -> str:
        selection = "" if self.selection == "none" else f" ({self.selection})"
        return f"{self.method}{selection} on {self.domain} {self.split}, n{self.size}, b{self.budget}, seed{self.seed}"


KEY = list(Measurement._fields)


@dataclass(frozen=True)
class Method:
    """What kind of method it is: which of its models can be measured.

    `selections` are the ways of choosing its expert, the paper's default first; `generic`: one model, or one mixture,
    serves the generic text; `budgeted`: it is pretrained; `before`: it can be measured before fine-tuning.
    """

    name: str
    label: str
    selections: tuple[str, ...] = ("none",)
    generic: bool = False
    budgeted: bool = True
    before: bool = True


EXPERT_CHOICES = ("most_frequent", "best_pretrained", "best_finetuned")

METHODS = {
    method.name: method
    for method in (
        Method("slm", "SLM", generic=True),
        Method("slm_nopt", "SLM-nopt", budgeted=False, before=False),
        Method("llm", "LLM", generic=True),
        Method("slm_mix", "SLM-mix", EXPERT_CHOICES, generic=True),
        Method("slm_pn", "SLM-pn", EXPERT_CHOICES, generic=True),
        Method("slm_is", "SLM-is"),
        Method("slm_d", "SLM-d", before=False),
    )
}


@dataclass(frozen=True)
class Plan:
    """What the config asks for.

    `sizes`: domain training tokens, ascending, without 0. `budgets`: nominal pretraining costs, ascending.
    `choice_budgets`: the budgets at which all ways of choosing the expert are compared; elsewhere only the default.
    """

    methods: tuple[str, ...]
    domains: tuple[str, ...]
    sizes: tuple[int, ...]
    budgets: tuple[int, ...]
    seeds: tuple[int, ...]
    choice_budgets: tuple[int, ...]


def expected_measurements(plan: Plan) -> list[Measurement]:
    """Every measurement of a complete run, sorted: heldout for the generic text, test for the domains."""
    return sorted(
        measurement for name in plan.methods for seed in plan.seeds for measurement in _of_method(plan, name, seed)
    )


def missing_measurements(metrics: pd.DataFrame, plan: Plan) -> list[Measurement]:
    """The expected measurements that `metrics` lacks, sorted."""
    present = set(metrics[KEY].itertuples(index=False, name=None))
    return [measurement for measurement in expected_measurements(plan) if tuple(measurement) not in present]


def default_selection(method: str) -> str:
    """The paper's default way of choosing the method's expert ("none" where there is nothing to choose)."""
    return METHODS[method].selections[0] if method in METHODS else "none"


def _of_method(plan: Plan, name: str, seed: int) -> Iterator[Measurement]:
    method = METHODS[name]
    for budget in plan.budgets if method.budgeted else (0,):
        if method.generic:
            yield Measurement(name, "none", GENERIC, 0, budget, seed, "heldout")
        for domain in plan.domains:
            if method.before:
                yield Measurement(name, method.selections[0], domain, 0, budget, seed, "test")
            for selection in method.selections if budget in plan.choice_budgets else method.selections[:1]:
                for size in plan.sizes:
                    yield Measurement(name, selection, domain, size, budget, seed, "test")
