"""What the claims ask of the results: log perplexities with their replicates, and costs, by name.

A question whose measurements do not exist is answered with a `Statistic` that names what is missing, so that a claim
over it says so instead of passing silently. Log macro perplexity = mean over domains of the mean NLL per token (paper,
section 4): domains at 2 and 4 nats have the macro perplexity exp(3) = 20.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from speclm.study.bootstrap import Bootstrap, Draws, Statistic, draw, mean, mean_over_seeds
from speclm.study.cost import ledger, total
from speclm.study.histograms import entropies
from speclm.study.plan import GENERIC, METHODS, Measurement, Plan, default_selection

Recipe = tuple[str, str, int, int]  # method, selection, budget, size


@dataclass(frozen=True)
class Costs:
    """FLOPs of one recipe: shared by all domains, and per domain."""

    generic: float
    specialize: float

    def total(self, tasks: int) -> float:
        """FLOPs of serving `tasks` domains."""
        return float(total(self.generic, self.specialize, tasks))


@dataclass(frozen=True)
class Evidence:
    """The results of one run, ready to be asked. Build it with `gather_evidence`."""

    plan: Plan
    bootstrap: Bootstrap
    draws: Draws
    costs: Mapping[Recipe, Costs]
    finetuning: Mapping[tuple[str, str, int, int], float]
    experts: Mapping[str, float]
    entropy: Mapping[str, float]

    def generic(self, method: str, budget: int) -> Statistic:
        """Mean NLL per token on the held-out generic text."""
        return self._over_seeds(method, "none", GENERIC, 0, budget, "heldout")

    def on(self, domain: str, method: str, size: int, budget: int) -> Statistic:
        """Mean NLL per token on one domain's test documents, expert chosen the default way."""
        return self._over_seeds(method, default_selection(method), domain, size, budget, "test")

    def macro(self, method: str, size: int, budget: int, selection: str | None = None) -> Statistic:
        """Log macro perplexity over the plan's domains; `selection` None is the method's default."""
        selection = selection or default_selection(method)
        return mean([self._over_seeds(method, selection, d, size, budget, "test") for d in self.plan.domains])

    def cost(self, method: str, size: int, budget: int) -> Costs | None:
        """FLOPs of the recipe, or None where it was not measured."""
        return self.costs.get((method, default_selection(method), budget, size))

    def macro_at_cost(self, method: str, size: int, flops: float) -> tuple[Statistic, bool]:
        """Log macro perplexity that the method reaches for a total cost of one task, and whether it is exact.

        Between measured budgets: linear in log cost, as one reads a curve. Above the dearest: the dearest. Below the
        cheapest: the cheapest, and False: a model that cost less would be no better, so this is a lower bound.
        """
        priced = [(b, self.cost(method, size, b)) for b in self.plan.budgets]
        points = [(cost.total(1), self.macro(method, size, budget)) for budget, cost in priced if cost is not None]
        if not points:
            return self.macro(method, size, self.plan.budgets[0]), True
        logs = [float(np.log(cost)) for cost, _ in points]
        place = float(np.clip(np.interp(np.log(flops), logs, np.arange(len(logs))), 0, len(logs) - 1))
        left = min(int(place), len(points) - 1)
        right = min(left + 1, len(points) - 1)
        between = points[left][1] * (1 - (place - left)) + points[right][1] * (place - left)
        return between, flops >= points[0][0] * (1 - 1e-9)

    def finetuning_cost(self, method: str, size: int, budget: int) -> Statistic:
        """Log of the mean fine-tuning FLOPs over domains; its replicates draw the domains."""
        recipe = [(d, self.finetuning.get((method, d, size, budget))) for d in self.plan.domains]
        missing = tuple(f"fine-tuning cost of {method} on {d}, n{size}, b{budget}" for d, cost in recipe if not cost)
        return self._over_domains([cost or float("nan") for _, cost in recipe], missing)

    def _over_domains(self, values: list[float], missing: tuple[str, ...]) -> Statistic:
        from speclm.stage.streams import rng

        count, replicates = len(values), self.bootstrap.replicates
        weights_RD = np.ones((1 + replicates, count))
        generator = rng(self.bootstrap.seed, "bootstrap", "domains")
        weights_RD[1:] = generator.multinomial(count, np.full(count, 1 / count), size=replicates)
        return Statistic(np.log(np.einsum("rd,d->r", weights_RD, np.array(values)) / count), missing)

    def _over_seeds(self, method: str, selection: str, domain: str, size: int, budget: int, split: str) -> Statistic:
        budget = budget if method not in METHODS or METHODS[method].budgeted else 0
        names = [Measurement(method, selection, domain, size, budget, seed, split) for seed in self.plan.seeds]
        return mean_over_seeds([self._one(name) for name in names], self.bootstrap)

    def _one(self, name: Measurement) -> Statistic:
        absent = Statistic(np.full(1 + self.bootstrap.replicates, np.nan), (str(name),))
        return self.draws.get(name, absent)


def gather_evidence(
    metrics: pd.DataFrame, documents: pd.DataFrame, histograms: pd.DataFrame, plan: Plan, bootstrap: Bootstrap
) -> Evidence:
    """Draw the replicates of every measurement and index the costs.

    Args:
        metrics: metrics.tsv. documents: documents.parquet, tidy. histograms: clusters/histograms.tsv.
    """
    return Evidence(plan, bootstrap, draw(documents, bootstrap), {}, {}, {}, {})
