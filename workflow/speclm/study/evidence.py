"""What the claims ask of the results: log perplexities with their replicates, and costs, by name.

A question whose measurements do not exist is answered with a `Statistic` that names what is missing, so that a claim
over it says so instead of passing silently. Log macro perplexity = mean over domains of the mean NLL per token (paper,
section 4): domains at 2 and 4 nats have the macro perplexity exp(3) = 20.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.study.bootstrap import Bootstrap, Draws, Statistic, bootstrap_of, draw, mean, mean_over_seeds, resample
from speclm.study.cost import FLOPS, Unit, ledger, with_hours
from speclm.study.histograms import entropies
from speclm.study.metrics import refuse_duplicates
from speclm.study.plan import GENERIC, KEY, Measurement, Plan, make_plan, name_measurements


@dataclass(frozen=True)
class Evidence:
    """The results of one run, ready to be asked. `gather_evidence` makes it.

    `metrics` is metrics.tsv; `ledger` costs.tsv; `entropy` the cluster entropy of every domain in nats; `paired`: the
    documents are there, so that differences have intervals; `unit`: what costs are counted in.
    """

    plan: Plan
    bootstrap: Bootstrap
    draws: Draws
    metrics: pd.DataFrame
    ledger: pd.DataFrame
    entropy: Mapping[str, float]
    paired: bool
    unit: Unit

    def generic(self, method: str, budget: int) -> Statistic:
        """Mean NLL per token on the held-out generic text."""
        at = budget if self.plan.method(method).budgeted else 0
        return self._over_seeds(Measurement(method, "none", GENERIC, 0, at, 0, "heldout"))

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
        """Cost of the recipe, shared by all domains and per domain; None where it was not measured."""
        kind = self.plan.method(method)
        return self._costs.get((method, kind.selections[0], size, budget if kind.budgeted else 0))

    def generic_cost(self, method: str, budget: int) -> float:
        """Cost of pretraining, shared by all domains; not a number where it was not measured."""
        rows = self.metrics.loc[(self.metrics["method"] == method) & (self.metrics["budget"] == budget)]
        return float(rows[f"{self.unit.prefix}_generic"].mean())

    def experts(self, method: str) -> float:
        """How many networks of the served size a method pretrains: the experts of a mixture."""
        sizes = self.metrics.loc[self.metrics["method"] == method, ["parameters_pretrain", "parameters_serve"]].iloc[0]
        return float(sizes["parameters_pretrain"] / sizes["parameters_serve"])

    def macro_at_cost(self, method: str, size: int, limit: float) -> tuple[Statistic, bool]:
        """Log macro perplexity that the method reaches for a total cost of one domain, and whether that was measured.

        Between measured budgets it is linear in log cost, as one reads a curve; above the dearest it is the dearest.
        Below the cheapest it is the cheapest, and False: a cheaper model is taken to be no better, so this is a bound.
        """
        priced = [(budget, self.costs(method, size, budget)) for budget in self.plan.budgets_of(method)]
        points = [(np.log(sum(cost)), self.macro(method, size, budget)) for budget, cost in priced if cost is not None]
        if not points:
            return self.macro(method, size, self.plan.budgets_of(method)[0]), True
        logs = [log for log, _ in points]
        place = float(np.interp(np.log(limit), logs, np.arange(len(logs))))
        left = int(place)
        right = min(left + 1, len(points) - 1)
        return points[left][1] * (1 - (place - left)) + points[right][1] * (place - left), bool(
            np.log(limit) >= logs[0]
        )

    def log_finetuning_cost(self, method: str, size: int, budget: int) -> Statistic:
        """Log of the cost of fine-tuning to the best validation, averaged over domains and seeds.

        Its replicates draw the domains.
        """
        column = f"{self.unit.prefix}_to_best"
        if column not in self.metrics.columns:
            absent = np.full(1 + self.bootstrap.replicates, np.nan)
            return Statistic(absent, ("flops_to_best in metrics.tsv, which an older run made",))
        named = [method, self.plan.method(method).selections[0], size, budget]
        rows = self.metrics[["method", "selection", "size", "budget"]].eq(named).all(axis=1)
        cost = self.metrics.loc[rows].groupby("domain")[column].mean()
        missing = [domain for domain in self.plan.domains if domain not in cost.index]
        weights_RD = resample(len(self.plan.domains), self.bootstrap, "domains") / len(self.plan.domains)
        with np.errstate(divide="ignore"):
            values = np.log(np.einsum("rd,d->r", weights_RD, cost.reindex(list(self.plan.domains)).to_numpy(float)))
        if np.isneginf(values[0]):
            missing = [*missing, *self.plan.domains]  # no step was better than none
        elif not missing:
            # a draw of such domains only has no logarithm: it counts as the cheapest draw that has one
            values = np.maximum(values, values[np.isfinite(values)].min())
        return Statistic(values, tuple(f"{method} on {domain}, n{size}, b{budget}" for domain in missing))

    @cached_property
    def _costs(self) -> dict[tuple[str, str, int, int], tuple[float, float]]:
        """Shared and own cost by method, selection, size and budget."""
        columns = [
            "method",
            "selection",
            "size",
            "budget",
            *(f"{self.unit.prefix}_{p}" for p in ("generic", "specialize")),
        ]
        return {row[:4]: row[4:] for row in self.ledger[columns].itertuples(index=False, name=None)}

    def _over_seeds(self, first: Measurement) -> Statistic:
        names = [first._replace(seed=seed) for seed in self.plan.seeds]
        absent = np.full(1 + self.bootstrap.replicates, np.nan)
        return mean_over_seeds(
            [self.draws.get(name, Statistic(absent, (str(name),))) for name in names], self.bootstrap
        )


def load_evidence(
    files: Mapping[str, Path], study: Mapping[str, Any], evaluate: Mapping[str, int], unit: Unit = FLOPS
) -> Evidence:
    """The evidence of a run from its files: metrics, the table of methods, and those of the others that are there.

    Args:
        files: metrics, methods; documents (else nothing has an interval), histograms (else no domain has an
            entropy), timings (needed for device-hours).
        study: methods, domains, sizes, budgets, seeds and best_finetuned_sizes that the configuration asks for.
        evaluate: the configuration's section of that name.

    Raises:
        UserError: device-hours are asked for where there are no timings.
    """
    if unit.prefix != FLOPS.prefix and "timings" not in files:
        raise UserError("device-hours need timings.tsv", key="figures.cost", remedy="add it, or set flops")
    metrics = read_table(files["metrics"])
    return gather_evidence(
        with_hours(metrics, read_table(files["timings"])) if "timings" in files else metrics,
        pd.read_parquet(files["documents"]) if "documents" in files else None,
        read_table(files["histograms"]) if "histograms" in files else None,
        make_plan(study, read_table(files["methods"])),
        bootstrap_of(evaluate),
        unit,
    )


def gather_evidence(
    metrics: pd.DataFrame,
    documents: pd.DataFrame | None,
    histograms: pd.DataFrame | None,
    plan: Plan,
    bootstrap: Bootstrap,
    unit: Unit = FLOPS,
) -> Evidence:
    """Draw the replicates of every measurement and add up the costs.

    Args:
        metrics: metrics.tsv. documents: documents.parquet, tidy; without it every measurement is a number without an
            interval. histograms: clusters/histograms.tsv; the finest clustering gives every domain's entropy.

    Raises:
        UserError: a row stands twice, or the documents of a measurement give another number than its row.
    """
    refuse_duplicates(metrics, KEY, "metrics.tsv")
    if documents is None:
        draws = _without_replicates(metrics, bootstrap)
    else:
        refuse_duplicates(documents, [*KEY, "document"], "documents.parquet")
        draws = draw(documents.merge(metrics[KEY], on=KEY), bootstrap)
        _check_agreement(metrics, draws)
    finest: dict[str, float] = {}
    if histograms is not None:
        entropy = entropies(histograms)
        finest = {str(corpus): float(nats) for corpus, nats in entropy[max(entropy.columns)].items()}
    return Evidence(plan, bootstrap, draws, metrics, ledger(metrics), finest, documents is not None, unit)


def _without_replicates(metrics: pd.DataFrame, bootstrap: Bootstrap) -> Draws:
    unknown = np.full(bootstrap.replicates, np.nan)
    rows = zip(metrics[KEY].itertuples(index=False), metrics["nll"], strict=True)
    return {Measurement._make(key): Statistic(np.concatenate([[nll], unknown])) for key, nll in rows}


def _check_agreement(metrics: pd.DataFrame, draws: Draws) -> None:
    """A row that was taken from another run's metrics has documents that say another number."""
    rows = zip(metrics[KEY].itertuples(index=False), metrics["nll"], strict=True)
    named = [(Measurement._make(key), nll) for key, nll in rows]
    strange = [
        name for name, nll in named if name in draws and not np.isclose(draws[name].values[0], nll, rtol=1e-6, atol=0)
    ]
    if strange:
        raise UserError(
            f"not the number that documents.parquet gives: {name_measurements(strange, most=8)}",
            where="metrics.tsv",
            remedy="use both files of one run: these rows come from another",
        )
