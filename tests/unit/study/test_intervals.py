"""Intervals against closed forms, and their coverage of studies whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from speclm.stage.errors import UserError
from speclm.study.bootstrap import Bootstrap, resample
from speclm.study.intervals import interval, over_documents, over_seeds, shared_variance

Array = NDArray[np.float64]
STUDIES, DOCUMENTS, TRUTH = 4000, 60, 0.3
WEIGHTS_RD = resample(DOCUMENTS, Bootstrap(replicates=400, seed=5, level=0.95), "coverage") / DOCUMENTS


def studies(seeds: int, of_seed: float, of_document: float, of_both: float) -> Array:
    """Paired differences of two methods as made-up studies measure them, with replicates: (studies, S, 1 + R).

    A seed, a document and the two together each move a document's difference by a normal number of this deviation.
    """
    generator = np.random.default_rng([seeds, int(100 * of_seed), int(100 * of_document), int(100 * of_both)])
    effects = (
        TRUTH,
        generator.normal(0, of_seed, (STUDIES, seeds, 1)),
        generator.normal(0, of_document, (STUDIES, 1, DOCUMENTS)),
        generator.normal(0, of_both, (STUDIES, seeds, DOCUMENTS)),
    )
    return np.asarray(sum(effects) @ WEIGHTS_RD.T)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    ("of_seed", "of_document", "of_both"),
    [
        pytest.param(0.05, 0.0, 0.2, id="seeds decide"),
        pytest.param(0.05, 0.2, 0.2, id="both"),
        pytest.param(0.05, 0.4, 0.1, id="documents as much as seeds"),
        pytest.param(0.01, 0.5, 0.1, id="documents decide"),
        pytest.param(0.0, 0.1, 0.3, id="seeds and documents together"),
    ],
)
def test_nominal_95_percent_covers_93_to_97(seeds: int, of_seed: float, of_document: float, of_both: float) -> None:
    _, low, high = over_seeds(studies(seeds, of_seed, of_document, of_both), 0.95)
    assert 0.93 <= np.mean((low <= TRUTH) & (high >= TRUTH)) <= 0.97


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_seeds_or_documents_alone_cover_too_little(seeds: int) -> None:
    """What the same studies would say with one of the two sources of chance left out."""
    values = studies(seeds, 0.01, 0.5, 0.1)
    error = values[..., 0].std(axis=-1, ddof=1) / np.sqrt(seeds) * stats.t.isf(0.025, seeds - 1)
    assert np.mean(np.abs(values[..., 0].mean(axis=-1) - TRUTH) <= error) < 0.6
    _, low, high = over_documents(studies(seeds, 0.05, 0.0, 0.2).mean(axis=-2), 0.95)
    assert np.mean((low <= TRUTH) & (high >= TRUTH)) < 0.85


def test_without_noise_of_documents_it_is_students_t() -> None:
    values_SR = np.repeat([[0.10], [0.12], [0.14]], 201, axis=1)
    estimate, low, high = over_seeds(values_SR, 0.95)
    half = 4.302653 * 0.02 / np.sqrt(3)
    assert (estimate, low, high) == pytest.approx((0.12, 0.12 - half, 0.12 + half))


def test_where_seeds_agree_it_is_that_of_the_documents() -> None:
    """Seeds that are one and the same have the normal interval of their replicates."""
    replicates_R = np.random.default_rng(0).normal(0.5, 0.1, 2001)
    replicates_R[0] = 0.5
    estimate, low, high = over_seeds(np.stack([replicates_R] * 4), 0.95)
    assert estimate == 0.5
    assert (high - low) / 2 == pytest.approx(1.959964 * replicates_R[1:].std(ddof=1))


@given(st.integers(2, 8), st.integers(0, 100))
def test_shared_variance_is_the_mean_covariance_of_pairs(seeds: int, stream: int) -> None:
    generator = np.random.default_rng(stream)
    replicates_SR = generator.normal(size=(seeds, 50)) + 2 * generator.normal(size=50)
    covariances = np.cov(replicates_SR)[~np.eye(seeds, dtype=bool)]
    assert shared_variance(replicates_SR) == pytest.approx(covariances.mean())


def test_one_seed_has_the_percentiles_of_its_documents() -> None:
    values_R = np.concatenate([[50.0], np.arange(101.0)])
    assert interval(values_R[np.newaxis], 0.9) == pytest.approx((50, 5, 95))


def test_an_interval_over_seeds_needs_two() -> None:
    with pytest.raises(UserError, match="seeds: one seed says nothing of how another would come out\nRemedy: give two"):
        over_seeds(np.zeros((1, 10)), 0.95)


@given(st.integers(2, 6), st.floats(0.5, 0.999))
def test_a_higher_level_is_wider(seeds: int, level: float) -> None:
    values_SR = np.random.default_rng(seeds).normal(size=(seeds, 40))
    _, low, high = over_seeds(values_SR, level)
    _, lower, higher = over_seeds(values_SR, 1 - (1 - level) / 2)
    assert lower < low < high < higher
