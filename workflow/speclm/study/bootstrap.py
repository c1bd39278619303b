"""Uncertainty: a paired bootstrap over documents, for each seed.

In: the per-document table (summed NLL and token count of every document under every model). Out: for every
measurement its mean NLL per token, sum(nll) / sum(tokens), once as measured and once per replicate. A replicate draws
the documents of a domain with replacement; **the same draw serves every model measured on that domain**, so that the
difference of two models is a paired comparison, and every seed. Everything else (macro averages, differences) is
arithmetic on these, seed by seed; `speclm.study.intervals` tells how surely what comes out is known.

    two documents, nll (6, 2), tokens (2, 2): estimate 8/4 = 2; a replicate that draws the first twice: 12/4 = 3

Legend: M measurements of a domain, D documents, S seeds, R replicates; a `Statistic`'s values are (S, 1 + R), what was
measured first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from speclm.stage.errors import UserError
from speclm.stage.streams import rng
from speclm.study.intervals import interval
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
    """A number of every seed with its replicates, (S, 1 + R), or the names of the measurements it lacks.

    `at_least`: the true number may be higher than what was measured; `at_most`: lower. Arithmetic keeps count of both.
    """

    values: Array
    missing: tuple[str, ...] = ()
    at_least: bool = False
    at_most: bool = False

    def __add__(self, other: Statistic) -> Statistic:
        return Statistic(self.values + other.values, *_joined((self, other)))

    def __neg__(self) -> Statistic:
        return Statistic(-self.values, self.missing, at_least=self.at_most, at_most=self.at_least)

    def __sub__(self, other: Statistic) -> Statistic:
        return self + -other

    def __mul__(self, factor: float) -> Statistic:
        """Times a factor that is not below 0."""
        assert factor >= 0
        return replace(self, values=self.values * factor)

    def shift(self, constant: float) -> Statistic:
        """Add a constant."""
        return replace(self, values=self.values + constant)

    @property
    def estimate(self) -> float:
        """The mean over seeds, as measured."""
        return float(self.values[:, 0].mean())

    def interval(self, level: float) -> tuple[float, float, float]:
        """Estimate, low, high; NaN where a measurement is missing, without end where the number is a bound."""
        if self.missing:
            return float("nan"), float("nan"), float("nan")
        estimate, low, high = (float(value) for value in interval(self.values, level))
        return estimate, -np.inf if self.at_most else low, np.inf if self.at_least else high


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
            draws[measurement] = Statistic((np.einsum("rd,d->r", weights_RD, nll_D) / tokens_R)[np.newaxis])
    return draws


def mean(statistics: Sequence[Statistic]) -> Statistic:
    """The mean of several statistics, replicate by replicate (the macro average over domains)."""
    return Statistic(np.mean([statistic.values for statistic in statistics], axis=0), *_joined(statistics))


def of_seeds(statistics: Sequence[Statistic]) -> Statistic:
    """One statistic of those of single seeds, in their order: with the same order everywhere, seeds are paired."""
    return Statistic(np.concatenate([statistic.values for statistic in statistics]), *_joined(statistics))


def resample(size: int, bootstrap: Bootstrap, *stream: str) -> Array:
    """How often each of `size` units is drawn, (1 + R, size): all once in the first row, at random in the others."""
    weights_RU = np.ones((1 + bootstrap.replicates, size))
    generator = rng(bootstrap.seed, "bootstrap", *stream)
    weights_RU[1:] = generator.multinomial(size, np.full(size, 1 / size), size=bootstrap.replicates)
    return weights_RU


def _joined(statistics: Sequence[Statistic]) -> tuple[tuple[str, ...], bool, bool]:
    """What is missing of any of them, and in which directions a number made of all of them is open."""
    missing = tuple(sorted({name for statistic in statistics for name in statistic.missing}))
    return missing, any(s.at_least for s in statistics), any(s.at_most for s in statistics)


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
