"""Importance sampling against its closed form: E_Dg[w l] = E_resampled[l]."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from speclm.cluster import importance
from speclm.cluster.importance import importance_weights, resample_windows, target_probabilities
from speclm.cluster.index import index_clusters, join_shards, write_index
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_array
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]
histograms = st.integers(1, 8).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 9), min_size=k, max_size=k).filter(any)] * 2)
)


def draw_windows(clusters: Array, target: Array, draws: int, generator: np.random.Generator, shards: int = 1) -> Array:
    """Draw from windows in these clusters, divided into so many shards."""
    k = len(target)
    parts = [index_clusters(part, k) for part in np.array_split(clusters, shards)]
    return importance.draw_windows(join_shards(parts, k), target, draws, generator)


def draw_by_scanning(clusters: Array, target: Array, draws: int, generator: np.random.Generator) -> Array:
    """The definition: members of a drawn cluster are looked for among all windows, and shuffled."""
    drawn = generator.choice(len(target), size=draws, p=target)
    windows = np.empty(draws, dtype=np.int64)
    for cluster in np.unique(drawn):
        members, places = np.flatnonzero(clusters == cluster), np.flatnonzero(drawn == cluster)
        passes = [generator.permutation(members) for _ in range(-(-len(places) // len(members)))]
        windows[places] = np.concatenate(passes)[: len(places)]
    return windows


def test_the_example_of_the_module() -> None:
    assert importance_weights(np.array([1, 1]), np.array([3, 1])) == pytest.approx([2 / 3, 2])


@given(histograms)
def test_weights_are_the_ratio_of_shares_and_have_mean_one(counts: tuple[list[int], list[int]]) -> None:
    domain, generic = map(np.array, counts)
    assume((domain * generic).any())
    weights = importance_weights(domain, generic)
    target, unseen = target_probabilities(domain, generic)
    assert (weights * generic).sum() / generic.sum() == pytest.approx(1)
    assert target.sum() == pytest.approx(1) and unseen == pytest.approx(domain[generic == 0].sum() / domain.sum())
    if unseen == 0:
        seen = generic > 0
        ratio = (domain[seen] / domain.sum()) / (generic[seen] / generic.sum())
        assert weights[seen] == pytest.approx(ratio)


@given(histograms, st.integers(0, 10**6))
def test_the_weighted_generic_loss_is_the_loss_of_the_resampled_set(
    counts: tuple[list[int], list[int]], seed: int
) -> None:
    domain, generic = map(np.array, counts)
    assume((domain * generic).any())
    clusters = np.repeat(np.arange(len(generic)), generic)
    losses = np.random.default_rng(seed).random(len(clusters))
    weighted = (importance_weights(domain, generic)[clusters] * losses).mean()
    target, _ = target_probabilities(domain, generic)
    means = [losses[clusters == c].mean() if generic[c] else 0 for c in range(len(generic))]
    assert weighted == pytest.approx(target @ np.array(means))


def test_draws_converge_to_that_expectation_and_histogram() -> None:
    generic, domain = np.array([5, 40, 10]), np.array([6, 3, 1])
    clusters = rng(0, "shuffle").permutation(np.repeat(np.arange(3), generic))
    losses = np.random.default_rng(0).random(len(clusters))
    target, _ = target_probabilities(domain, generic)
    drawn = draw_windows(clusters, target, 50_000, rng(1, "draws"))
    expected = (importance_weights(domain, generic)[clusters] * losses).mean()
    assert losses[drawn].mean() == pytest.approx(expected, abs=5 * losses.std() / np.sqrt(50_000))
    np.testing.assert_allclose(np.bincount(clusters[drawn]) / 50_000, target, atol=0.01)


def test_each_draw_by_itself_is_uniform_in_its_cluster() -> None:
    clusters = np.array([0, 0, 1, 0])
    thirds = [draw_windows(clusters, np.array([1.0, 0.0]), 5, rng(i, "draws"))[4] for i in range(3_000)]
    np.testing.assert_allclose(np.bincount(thirds, minlength=4) / 3_000, [1 / 3, 1 / 3, 0, 1 / 3], atol=0.04)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(1, 60), st.integers(0, 99))
@settings(deadline=None)
def test_no_window_returns_before_its_cluster_is_used_up(clusters: list[int], draws: int, seed: int) -> None:
    generic = np.array(clusters)
    target, _ = target_probabilities(np.ones(3, dtype=int), np.bincount(generic, minlength=3))
    drawn = draw_windows(generic, target, draws, rng(seed, "draws"))
    for cluster in set(clusters):
        times = np.bincount(drawn, minlength=len(generic))[generic == cluster]
        assert times.max() - times.min() <= 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 60), st.integers(1, 5), st.integers(0, 99))
@settings(deadline=None)
@pytest.mark.parametrize("together", [1, 20, importance.FILLED_TOGETHER])
def test_the_draw_is_the_definitions_in_any_number_of_shards(
    together: int, clusters: list[int], draws: int, shards: int, seed: int
) -> None:
    generic = np.array(clusters)
    target, _ = target_probabilities(np.ones(3, dtype=int), np.bincount(generic, minlength=3))
    with patch.object(importance, "FILLED_TOGETHER", together):
        drawn = draw_windows(generic, target, draws, rng(seed, "draws"), shards)
    assert drawn.tolist() == draw_by_scanning(generic, target, draws, rng(seed, "draws")).tolist()


def test_of_a_large_cluster_a_pass_takes_different_windows_uniformly() -> None:
    members = importance.SHUFFLED_WHOLE + 1
    clusters = np.zeros(members, dtype=np.int64)
    drawn = draw_windows(clusters, np.array([1.0]), members + 5_000, rng(0, "draws"))
    assert sorted(drawn[:members].tolist()) == list(range(members))
    assert len(np.unique(drawn[members:])) == 5_000
    assert drawn[members:].mean() == pytest.approx(members / 2, rel=0.02)  # standard error 0.8 %


def write_clusters(folder: Path, k: int, domain: list[int], generic: list[int]) -> tuple[Path, list[Path]]:
    for name, values in (("domain", domain), ("generic", generic)):
        write_array(folder / f"{name}.npy", np.array(values, dtype=np.int32))
    write_index(folder / "generic.npy", k, folder / "index.npy")
    return folder / "domain.npy", [folder / "index.npy"]


def test_facts_and_repetition(tmp_path: Path) -> None:
    paths = write_clusters(tmp_path, 4, [0, 0, 3], [0, 1, 0, 2])
    facts = resample_windows(paths[0], None, paths[1], 4, 6, rng(1, "importance", "a"), tmp_path / "a.npy")
    assert sorted(read_array(tmp_path / "a.npy").tolist()) == [0, 0, 0, 2, 2, 2]
    assert facts["unseen_mass"] == pytest.approx(1 / 3)
    assert facts["different_windows"] == 2 and facts["most_repetitions"] == 3
    assert facts["repetition_rate"] == pytest.approx(4 / 6)
    assert facts["largest_weight"] == pytest.approx(2) and facts["effective_windows"] == pytest.approx(2)
    resample_windows(paths[0], None, paths[1], 4, 6, rng(1, "importance", "a"), tmp_path / "b.npy")
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_a_domain_the_generic_set_knows_nothing_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"clusters\.k: no generic window stands in any cluster of the domain"):
        domain, generic = write_clusters(tmp_path, 2, [1], [0])
        resample_windows(domain, None, generic, 2, 5, rng(1, "importance"), tmp_path / "a.npy")


def test_the_histogram_counts_the_stated_windows_alone(tmp_path: Path) -> None:
    """Two windows in cluster 0, then eight in cluster 1: by the first two only cluster 0 is drawn."""
    domain, generic = write_clusters(tmp_path, 2, [0, 0] + 8 * [1], [0, 0, 0, 1, 1, 1])
    drawn = []
    for stated in (2, 10, None):
        facts = resample_windows(domain, stated, generic, 2, 3000, rng(1, "importance"), tmp_path / "a.npy")
        assert facts["histogram_windows"] == (stated or 10)
        drawn.append(read_array(tmp_path / "a.npy"))
    assert set(drawn[0].tolist()) == {0, 1, 2}
    assert (drawn[1] >= 3).mean() == pytest.approx(0.8, abs=0.05)
    assert np.array_equal(drawn[1], drawn[2])


@pytest.mark.parametrize("stated", [0, 4])
def test_a_histogram_of_more_windows_than_the_domain_has_is_refused(tmp_path: Path, stated: int) -> None:
    domain, generic = write_clusters(tmp_path, 2, [0, 0, 1], [0, 1])
    message = rf"models\.slm_is\.histogram_tokens: a histogram of {stated} windows; the domain has 3"
    with pytest.raises(UserError, match=message):
        resample_windows(domain, stated, generic, 2, 5, rng(1, "importance"), tmp_path / "a.npy")
