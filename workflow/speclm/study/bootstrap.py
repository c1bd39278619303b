"""Uncertainty: paired bootstrap over documents, and over seeds where there are several.

In: the per-document table (summed NLL and token count of every document under every model). Out: for every
measurement its mean NLL per token, sum(nll) / sum(tokens), once as measured and once per replicate. A replicate draws
the documents of a domain with replacement; **the same draw serves every model measured on that domain**, so that the
difference of two models is a paired comparison. Everything else (macro averages, differences) is arithmetic on these.

    two documents, nll (6, 2), tokens (2, 2): estimate 8/4 = 2; a replicate that draws the first twice: 12/4 = 3

Legend: M measurements of a domain, D documents, R replicates; a `Statistic`'s values are (1 + R,), the estimate first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speclm.stage.errors import UserError
from speclm.stage.streams import rng
from speclm.study.plan import KEY, Measurement

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """How many replicates, from which seed, and the level of the intervals (0.95)."""

    replicates: int
    seed: int
    level: float


def bootstrap_of(section: Mapping[str, int]) -> Bootstrap:
    """The study's bootstrap, from the configuration's section "evaluate": 95 % intervals."""
    return Bootstrap(replicates=section["resamples"], seed=section["seed"], level=0.95)


@dataclass(frozen=True)
class Statistic:
    """A number with its replicates, (1 + R,), estimate first; or the names of the measurements it lacks."""

    values: Array
    missing: tuple[str, ...] = ()

    def __add__(self, other: Statistic) -> Statistic:
        return Statistic(self.values + other.values, tuple(sorted({*self.missing, *other.missing})))

    def __neg__(self) -> Statistic:
        return Statistic(-self.values, self.missing)

    def __sub__(self, other: Statistic) -> Statistic:
        return self + -other

    def __mul__(self, factor: float) -> Statistic:
        return Statistic(self.values * factor, self.missing)

    def shift(self, constant: float) -> Statistic:
        """Add a constant."""
        return Statistic(self.values + constant, self.missing)

    def interval(self, level: float) -> tuple[float, float, float]:
        """Estimate, low, high: the percentile interval; NaN where a measurement is missing."""
        if self.missing:
            return float("nan"), float("nan"), float("nan")
        low, high = np.quantile(self.values[1:], [(1 - level) / 2, (1 + level) / 2])
        return float(self.values[0]), float(low), float(high)


Draws = dict[Measurement, Statistic]


def draw(documents: pd.DataFrame, bootstrap: Bootstrap) -> Draws:
    """Mean NLL per token (nats) of every measurement, with its replicates over documents.

    Args:
        documents: one row per measurement and document: `KEY`, document, nll (sum, nats), tokens.

    Raises:
        UserError: two measurements of the same domain and split cover different documents or token counts.
    """
    draws: Draws = {}
    for (domain, split), group in documents.groupby(["domain", "split"], sort=True):
        nll_DM, tokens_D = _by_document(group, f"{domain} {split}")
        weights_RD = resample(len(tokens_D), bootstrap, str(domain), str(split))
        # einsum, not @: a matrix product's last bits depend on the number of threads
        tokens_R = np.einsum("rd,d->r", weights_RD, tokens_D)
        for measurement, nll_D in nll_DM.items():
            draws[measurement] = Statistic(np.einsum("rd,d->r", weights_RD, nll_D) / tokens_R)
    return draws


def mean(statistics: Sequence[Statistic]) -> Statistic:
    """The mean of several statistics, replicate by replicate (the macro average over domains)."""
    values = np.mean([statistic.values for statistic in statistics], axis=0)
    return Statistic(values, tuple(sorted({name for statistic in statistics for name in statistic.missing})))


def mean_over_seeds(statistics: Sequence[Statistic], bootstrap: Bootstrap) -> Statistic:
    """The mean over seeds; each replicate also draws the seeds with replacement, the same draw for every method."""
    if len(statistics) == 1:
        return statistics[0]
    weights_RS = resample(len(statistics), bootstrap, "seeds") / len(statistics)
    values_SR = np.stack([statistic.values for statistic in statistics])
    values = np.einsum("rs,sr->r", weights_RS, values_SR)
    return Statistic(values, tuple(sorted({name for statistic in statistics for name in statistic.missing})))


def resample(size: int, bootstrap: Bootstrap, *stream: str) -> Array:
    """How often each of `size` units is drawn, (1 + R, size): all once in the first row, at random in the others."""
    weights_RU = np.ones((1 + bootstrap.replicates, size))
    generator = rng(bootstrap.seed, "bootstrap", *stream)
    weights_RU[1:] = generator.multinomial(size, np.full(size, 1 / size), size=bootstrap.replicates)
    return weights_RU


def _by_document(group: pd.DataFrame, where: str) -> tuple[dict[Measurement, Array], Array]:
    """NLL of every measurement (D,) in the documents' order, and their token counts (D,), which all must share."""
    measured = group.groupby(KEY, sort=True)
    order = group.assign(measurement=measured.ngroup()).sort_values(["measurement", "document"], kind="stable")
    sizes = measured.size()
    ends = np.cumsum(sizes.to_numpy())[:-1]
    columns = (order[name].to_numpy() for name in ("document", "tokens", "nll"))
    nll: dict[Measurement, Array] = {}
    first: tuple[Any, Any] | None = None
    for key, *found in zip(sizes.index, *(np.split(column, ends) for column in columns), strict=True):
        measurement, (names_D, tokens_D, nll_D) = Measurement._make(key), found
        first = first or (names_D, tokens_D)
        if not (np.array_equal(names_D, first[0]) and np.array_equal(tokens_D, first[1])):
            raise UserError(
                f"{measurement} was measured on other documents than {next(iter(nll), 'itself')}",
                where=where,
                remedy="delete the evaluate/ folder of this run and run again: comparisons are paired by document",
            )
        nll[measurement] = nll_D.astype(np.float64)
    assert first is not None
    return nll, first[1].astype(np.float64)
