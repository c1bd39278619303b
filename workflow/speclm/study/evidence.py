"""What the claims ask of the results: log perplexities with their replicates, and costs, by name.

A question whose measurements do not exist is answered with a `Statistic` that names what is missing, so that a claim
over it says so instead of passing silently. Log macro perplexity = mean over domains of the mean NLL per token (paper,
section 4): domains at 2 and 4 nats have the macro perplexity exp(3) = 20.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from speclm.stage.files import read_table
from speclm.study.bootstrap import Bootstrap, Draws, Statistic, bootstrap_of, draw, mean, mean_over_seeds, resample
from speclm.study.cost import ledger
from speclm.study.histograms import entropies
from speclm.study.plan import GENERIC, Measurement, Plan, make_plan


@dataclass(frozen=True)
class Evidence:
    """The results of one run, ready to be asked. `gather_evidence` makes it.

    `metrics` is metrics.tsv; `ledger` costs.tsv; `entropy` the cluster entropy of every domain in nats.
    """

    plan: Plan
    bootstrap: Bootstrap
    draws: Draws
    metrics: pd.DataFrame
    ledger: pd.DataFrame
    entropy: Mapping[str, float]

    def generic(self, method: str, budget: int) -> Statistic:
        """Mean NLL per token on the held-out generic text."""
        return self._over_seeds(Measurement(method, "none", GENERIC, 0, budget, 0, "heldout"))

    def on(self, domain: str, method: str, size: int, budget: int, selection: str | None = None) -> Statistic:
        """Mean NLL per token on one domain's test documents; `selection` None is the method's default."""
        kind = self.plan.method(method)
        return self._over_seeds(
            Measurement(
                method, selection or kind.selections[0], domain, size, budget if kind.budgeted else 0, 0, "test"
            )
        )

    def macro(self, method: str, size: int, budget: int, selection: str | None = None) -> Statistic:
        """Log macro perplexity over the plan's domains."""
        return mean([self.on(domain, method, size, budget, selection) for domain in self.plan.domains])

    def costs(self, method: str, size: int, budget: int) -> tuple[float, float] | None:
        """FLOPs of the recipe, shared by all domains and per domain; None where it was not measured."""
        table = self.ledger
        row = table.loc[
            (table["method"] == method)
            & (table["selection"] == self.plan.method(method).selections[0])
            & (table["size"] == size)
            & (table["budget"] == budget)
        ]
        return (float(row["flops_generic"].item()), float(row["flops_specialize"].item())) if len(row) else None

    def macro_at_cost(self, method: str, size: int, flops: float) -> tuple[Statistic, bool]:
        """Log macro perplexity that the method reaches for a total cost of one domain, and whether that was measured.

        Between measured budgets it is linear in log cost, as one reads a curve; above the dearest it is the dearest.
        Below the cheapest it is the cheapest, and False: a cheaper model is taken to be no better, so this is a bound.
        """
        priced = [(budget, self.costs(method, size, budget)) for budget in self.plan.budgets]
        points = [(np.log(sum(cost)), self.macro(method, size, budget)) for budget, cost in priced if cost is not None]
        if not points:
            return self.macro(method, size, self.plan.budgets[0]), True
        logs = [log for log, _ in points]
        place = float(np.interp(np.log(flops), logs, np.arange(len(logs))))
        left = int(place)
        right = min(left + 1, len(points) - 1)
        return points[left][1] * (1 - (place - left)) + points[right][1] * (place - left), bool(
            np.log(flops) >= logs[0]
        )

    def log_finetuning_cost(self, method: str, size: int, budget: int) -> Statistic:
        """Log of the fine-tuning FLOPs, averaged over domains and seeds; its replicates draw the domains."""
        rows = self.metrics[["method", "size", "budget"]].eq([method, size, budget]).all(axis=1)
        cost = self.metrics.loc[rows].groupby("domain")["flops_specialize"].mean()
        absent = [domain for domain in self.plan.domains if domain not in cost.index]
        weights_RD = resample(len(self.plan.domains), self.bootstrap, "domains")
        values = np.log(np.einsum("rd,d->r", weights_RD, cost.reindex(list(self.plan.domains)).to_numpy(np.float64)))
        return Statistic(values, tuple(f"{method} on {domain}, n{size}, b{budget}" for domain in absent))

    def _over_seeds(self, first: Measurement) -> Statistic:
        names = [first._replace(seed=seed) for seed in self.plan.seeds]
        absent = np.full(1 + self.bootstrap.replicates, np.nan)
        return mean_over_seeds(
            [self.draws.get(name, Statistic(absent, (str(name),))) for name in names], self.bootstrap
        )


def load_evidence(files: Mapping[str, Path], study: Mapping[str, Any], evaluate: Mapping[str, int]) -> Evidence:
    """The evidence of a run from its files: metrics, documents, histograms, and the table of methods.

    Args:
        study: methods, domains, sizes, budgets, seeds and best_finetuned_sizes that the configuration asks for.
        evaluate: the configuration's section of that name.
    """
    return gather_evidence(
        read_table(files["metrics"]),
        pd.read_parquet(files["documents"]),
        read_table(files["histograms"]),
        make_plan(study, read_table(files["methods"])),
        bootstrap_of(evaluate),
    )


def gather_evidence(
    metrics: pd.DataFrame, documents: pd.DataFrame, histograms: pd.DataFrame, plan: Plan, bootstrap: Bootstrap
) -> Evidence:
    """Draw the replicates of every measurement and add up the costs.

    Args:
        metrics: metrics.tsv. documents: documents.parquet, tidy. histograms: clusters/histograms.tsv; the finest
            clustering gives every domain's entropy.
    """
    entropy = entropies(histograms)
    finest = {str(corpus): float(nats) for corpus, nats in entropy[max(entropy.columns)].items()}
    return Evidence(plan, bootstrap, draw(documents, bootstrap), metrics, ledger(metrics), finest)
