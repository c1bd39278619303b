"""How surely a number is known: intervals over test documents, and over seeds with documents nested within.

In: a number as each seed measured it, and again on every replicate of the test documents. Out: estimate, low, high.

**One seed**: the percentiles of its replicates. They tell how other documents would move the number, and nothing of how
another training would.

**Several seeds** are trained apart but measured on the same documents, which makes a two-way layout: readers and cases
in radiology, where Obuchowski and Rockette (1995) estimate the variance of the mean over n readers as

    A + C,   A = (variance from seed to seed) / n,   C = the covariance that documents give two seeds

A holds what a seed's own chance does, the part of the documents' noise that differs from seed to seed included; C is
the part that all seeds share, which no number of seeds removes. A is known from n - 1 degrees of freedom, C from all
documents. The half width is a critical value times the root of A + C, with

    critical value = t^w z^(1 - w),   w = A / (A + C):   Student's t of n - 1, the normal z

which is Cochran's (1964) weighting of two critical values, in logs. At a nominal 95 % it covers 94 to 97 % for every
ratio of A to C with 3, 5 or 10 seeds (tests/unit/study/test_intervals.py); Satterthwaite's degrees of freedom cover
92 %, Student's t over seeds alone 24 % where documents decide, documents alone 7 % where seeds do.

    seeds 0.10, 0.12, 0.14 without noise of documents: 0.12 +- 4.303 x 0.02 / sqrt(3), which is 0.12 [0.07, 0.17]

Legend: S seeds, R replicates; values are (..., S, 1 + R), the number as measured first. A paired difference is made
of differences of such values, seed by seed and replicate by replicate, before it comes here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from speclm.stage.errors import UserError

Array = NDArray[np.float64]
Interval = tuple[Array, Array, Array]


def interval(values_SR: Array, level: float) -> Interval:
    """Estimate, low, high of the mean over seeds: over documents alone where there is one seed."""
    return over_documents(values_SR[..., 0, :], level) if values_SR.shape[-2] == 1 else over_seeds(values_SR, level)


def over_documents(values_R: Array, level: float) -> Interval:
    """The percentiles of the replicates of one seed."""
    low, high = np.quantile(values_R[..., 1:], [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return values_R[..., 0], low, high


def over_seeds(values_SR: Array, level: float) -> Interval:
    """The mean over seeds, with an interval that other seeds and other documents would move it in.

    Raises:
        UserError: there are fewer than two seeds.
    """
    seeds = values_SR.shape[-2]
    if seeds < 2:
        raise UserError(
            "one seed says nothing of how another would come out",
            key="seeds",
            remedy="give two seeds or more for intervals over seeds; three at least for verdicts",
        )
    estimate = values_SR[..., 0].mean(axis=-1)
    own = values_SR[..., 0].var(axis=-1, ddof=1) / seeds
    shared = shared_variance(values_SR[..., 1:])
    total = own + shared
    weight = np.divide(own, total, out=np.zeros_like(total), where=total > 0)
    tail = (1 - level) / 2
    critical = stats.t.isf(tail, seeds - 1) ** weight * stats.norm.isf(tail) ** (1 - weight)
    half = critical * np.sqrt(total)
    return estimate, estimate - half, estimate + half


def shared_variance(replicates_SR: Array) -> Array:
    """The covariance of two seeds over replicates of the documents, averaged over all pairs of seeds; never below 0.

    The variance of the mean is (v + (n - 1) c) / n with the seeds' mean variance v, so that c follows from both.
    """
    seeds = replicates_SR.shape[-2]
    of_mean = replicates_SR.mean(axis=-2).var(axis=-1, ddof=1)
    alone = replicates_SR.var(axis=-1, ddof=1).mean(axis=-1)
    shared: Array = np.maximum((seeds * of_mean - alone) / (seeds - 1), 0.0)
    return shared
