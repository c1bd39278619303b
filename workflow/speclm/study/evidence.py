"""What the claims ask of the results: log perplexities with their replicates, and costs, by name.

A question whose measurements do not exist is answered with a `Statistic` that names what is missing, so that a claim
over it says so instead of passing silently. Log macro perplexity = mean over domains of the mean NLL per token (paper,
section 4): domains at 2 and 4 nats have the macro perplexity exp(3) = 20.1.

Two methods are compared at equal cost, which is the same budget: a method sees as many tokens as it can for it, by
`pretrain.relative_cost`. Or, second, at equal tokens (`Evidence.lead`): SLM of 8M tokens against an LLM of 2.3M of the
same budget are compared at 2.3M, read off SLM's curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.study.bootstrap import Bootstrap, Draws, Statistic, bootstrap_of, draw, mean, of_seeds, resample
from speclm.study.cost import FLOPS, Unit, ledger, with_hours
from speclm.study.histograms import entropies
from speclm.study.metrics import refuse_duplicates
from speclm.study.plan import GENERIC, KEY, Measurement, Plan, make_plan, name_measurements
from speclm.study.reading import SAME, read

Score = Callable[[str, int], Statistic]  # of a method at a budget


@dataclass(frozen=True)
class Evidence:
    """The results of one run, ready to be asked. `gather_evidence` makes it.

    `metrics` is metrics.tsv; `ledger` costs.tsv; `entropy` the cluster entropy of every domain in nats; `paired`: the
    documents are there, so that differences have intervals; `unit`: what costs are counted in; `equal_tokens`: two
    methods are compared at equal tokens, not at equal cost.
    """

    plan: Plan
    bootstrap: Bootstrap
    draws: Draws
    metrics: pd.DataFrame
    ledger: pd.DataFrame
    entropy: Mapping[str, float]
    paired: bool
    unit: Unit
    equal_tokens: bool = False

    @property
    def seeds(self) -> int:
        """How many trainings each number is the mean of."""
        return len(self.plan.seeds)

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

    def macro_at_cost(self, method: str, size: int, limit: float) -> Statistic:
        """Log macro perplexity that the method reaches for a total cost of one domain; a bound beyond its budgets."""
        budgets = self.plan.budgets_of(method)
        priced = [(sum(cost), b) for b in budgets if (cost := self.costs(method, size, b)) is not None]
        if not priced:
            return self.macro(method, size, budgets[0])  # which names what is missing
        return read([(cost, self.macro(method, size, budget)) for cost, budget in priced], limit)

    def lead(self, score: Score, better: tuple[str, int], worse: tuple[str, int]) -> Statistic:
        """How far one method at a budget is below another: at these budgets, or at the fewer of their two tokens.

        Args:
            score: log perplexity of a method at a budget, such as `generic`.
        """
        if not self.equal_tokens:
            return score(*worse) - score(*better)
        if better[0] == worse[0] and better != worse:
            return self.nothing(f"{self.plan.method(better[0]).label} at one number of tokens twice")
        tokens = min(self.pretrain_tokens(*better), self.pretrain_tokens(*worse))
        return self._at_tokens(score, worse[0], tokens) - self._at_tokens(score, better[0], tokens)

    def pretrain_tokens(self, method: str, budget: int) -> int:
        """Tokens that a method was pretrained on at a budget, all of its experts together; 0 where that is unknown."""
        rows = self.metrics.loc[(self.metrics["method"] == method) & (self.metrics["budget"] == budget)]
        return int(rows["pretrain_tokens"].max()) if len(rows) else 0

    def log_finetuning_cost(self, method: str, size: int, budget: int) -> Statistic:
        """Log of the cost of fine-tuning to the best validation, averaged over domains.

        Its replicates draw the domains. It is at least this where a fine-tuning ended at its step cap.
        """
        column = f"{self.unit.prefix}_to_best"
        if column not in self.metrics.columns:
            return self.nothing(f"{column} in metrics.tsv, which an older run made")
        named = [method, self.plan.method(method).selections[0], size, budget]
        rows = self.metrics.loc[self.metrics[["method", "selection", "size", "budget"]].eq(named).all(axis=1)]
        cost_DS = self._of_domains(rows, column)
        missing = [domain for domain in self.plan.domains if cost_DS.loc[domain].isna().any()]
        cost_SR = self._mean_over_domains(cost_DS)
        if not missing and (cost_SR[:, 0] == 0).any():
            missing = list(self.plan.domains)  # no step was better than none
        # a draw of domains without such a step has no logarithm: it counts as the cheapest draw that has one
        least_S = np.where(cost_SR > 0, cost_SR, np.inf).min(axis=1, keepdims=True)
        values_SR = np.log(np.where(cost_SR > 0, cost_SR, np.where(np.isfinite(least_S), least_S, np.nan)))
        capped = "capped" in rows.columns and bool((rows["capped"] > 0).any())
        names = tuple(f"{method} on {domain}, n{size}, b{budget}" for domain in missing)
        return Statistic(values_SR, names, at_least=capped)

    def expert_spread(self, method: str, size: int, budget: int) -> Statistic:
        """Nats that an expert chosen by chance is behind the best on the domain's text before fine-tuning, on average.

        The mean over domains; its replicates draw the domains.
        """
        what = f"how far {self.plan.method(method).label}'s experts have parted (expert_spread in metrics.tsv)"
        if "expert_spread" not in self.metrics.columns:
            return self.nothing(what)
        named = [method, "best_pretrained", size, budget]
        rows = self.metrics.loc[self.metrics[["method", "selection", "size", "budget"]].eq(named).all(axis=1)]
        spread_DS = self._of_domains(rows, "expert_spread")
        if spread_DS.isna().any(axis=None):
            return self.nothing(what)
        return Statistic(self._mean_over_domains(spread_DS))

    def nothing(self, *what: str) -> Statistic:
        """A number of which it is only known what is missing."""
        return Statistic(np.full((1, 1 + self.bootstrap.replicates), np.nan), what)

    def _of_domains(self, rows: pd.DataFrame, column: str) -> pd.DataFrame:
        """A column of metrics.tsv by domain and seed, (D, S)."""
        table = rows.astype({column: float}).pivot_table(index="domain", columns="seed", values=column)
        return table.reindex(index=list(self.plan.domains), columns=list(self.plan.seeds))

    def _mean_over_domains(self, values_DS: pd.DataFrame) -> NDArray[np.float64]:
        """(S, 1 + R): the same draw of domains for every seed."""
        domains = len(self.plan.domains)
        weights_RD = resample(domains, self.bootstrap, "domains") / domains
        values: NDArray[np.float64] = np.einsum("rd,ds->sr", weights_RD, values_DS.to_numpy(float))
        return values

    def _at_tokens(self, score: Score, method: str, tokens: int) -> Statistic:
        """The method's curve over its pretraining tokens, read at `tokens`."""
        budgets = self.plan.budgets_of(method)
        points = [(self.pretrain_tokens(method, budget), score(method, budget)) for budget in budgets]
        known = [(seen, value) for seen, value in points if seen > 0]
        if tokens <= 0 or not known or abs(log(tokens / np.clip(tokens, known[0][0], known[-1][0]))) > SAME:
            return self.nothing(f"{self.plan.method(method).label} at {tokens:,} tokens of pretraining")
        return replace(read(known, tokens), at_least=False, at_most=False)

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
        return of_seeds([self.draws[name] if name in self.draws else self.nothing(str(name)) for name in names])


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
    return {Measurement._make(key): Statistic(np.array([[nll, *unknown]])) for key, nll in rows}


def _check_agreement(metrics: pd.DataFrame, draws: Draws) -> None:
    """A row that was taken from another run's metrics has documents that say another number."""
    rows = zip(metrics[KEY].itertuples(index=False), metrics["nll"], strict=True)
    named = [(Measurement._make(key), nll) for key, nll in rows]
    strange = [
        name for name, nll in named if name in draws and not np.isclose(draws[name].estimate, nll, rtol=1e-6, atol=0)
    ]
    if strange:
        raise UserError(
            f"not the number that documents.parquet gives: {name_measurements(strange, most=8)}",
            where="metrics.tsv",
            remedy="use both files of one run: these rows come from another",
        )
