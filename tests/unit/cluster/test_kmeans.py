"""Separate groups are found, assignments are the nearest centroids, bytes repeat, an impossible k is refused."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances_argmin
from threadpoolctl import threadpool_limits

from speclm.cluster.kmeans import KMeansSettings, assign_clusters, fit_clusters, nearest_centroids
from speclm.cluster.passage import windows_path
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_array

SETTINGS = KMeansSettings(fit_passages=1_000, iterations=50)


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    """Three tight groups of 40, 30 and 20 vectors around the axes, each of one window."""
    generator = np.random.default_rng(0)
    vectors = np.repeat(np.eye(3), [40, 30, 20], axis=0) + 0.01 * generator.standard_normal((90, 3))
    return write_vectors(tmp_path / "train.npy", vectors)


def write_vectors(path: Path, vectors: np.ndarray, of_windows: list[int] | None = None) -> Path:
    write_array(path, vectors.astype(np.float32))
    write_array(windows_path(path), np.array(range(len(vectors)) if of_windows is None else of_windows, dtype=np.int32))
    return path


def test_groups_are_found(embeddings: Path, tmp_path: Path) -> None:
    facts = fit_clusters([embeddings], 3, SETTINGS, 1, tmp_path / "centroids.npy")
    assert facts["k"] == 3 and facts["passages"] == 90 and facts["distance"] < 0.001
    assert assign_clusters(embeddings, tmp_path / "centroids.npy", tmp_path / "c.npy") == {
        "k": 3,
        "windows": 90,
        "empty_clusters": 0,
    }
    clusters = read_array(tmp_path / "c.npy")
    assert clusters.dtype == np.int32
    assert [len(set(part.tolist())) for part in np.split(clusters, [40, 70])] == [1, 1, 1]
    assert sorted(np.bincount(clusters)) == [20, 30, 40]


@pytest.mark.parametrize("k", [1, 7, 90])
def test_every_window_has_its_nearest_centroid(embeddings: Path, tmp_path: Path, k: int) -> None:
    fit_clusters([embeddings], k, SETTINGS, 1, tmp_path / "centroids.npy")
    assign_clusters(embeddings, tmp_path / "centroids.npy", tmp_path / "c.npy")
    vectors, centroids = read_array(embeddings).astype(float), read_array(tmp_path / "centroids.npy").astype(float)
    distances = ((vectors[:, None] - centroids[None]) ** 2).sum(axis=2)
    chosen = distances[np.arange(90), read_array(tmp_path / "c.npy")]
    np.testing.assert_allclose(chosen, distances.min(axis=1), atol=1e-6)


def test_windows_have_the_clusters_of_their_passages(tmp_path: Path) -> None:
    vectors = write_vectors(tmp_path / "v.npy", np.array([[1, 0], [0, 1], [0.9, 0.1]]), [0, 0, 1, 2])
    write_array(tmp_path / "c.npy", np.eye(2, dtype=np.float32))
    facts = assign_clusters(vectors, tmp_path / "c.npy", tmp_path / "a.npy")
    assert read_array(tmp_path / "a.npy").tolist() == [0, 0, 1, 0] and facts["windows"] == 4


def test_fitting_twice_gives_the_same_bytes(embeddings: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        fit_clusters([embeddings], 8, SETTINGS, 1, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("cuts", [[], [30], [1, 2, 40, 41, 88, 89]])
def test_shards_change_neither_centroids_nor_assignments(embeddings: Path, tmp_path: Path, cuts: list[int]) -> None:
    settings = KMeansSettings(fit_passages=70, iterations=50)
    shards = []
    for number, part in enumerate(np.split(np.asarray(read_array(embeddings)), cuts)):
        shards.append(tmp_path / f"shard{number}.npy")
        write_vectors(shards[-1], part)
    for name, paths in (("one", [embeddings]), ("several", shards)):
        fit_clusters(paths, 5, settings, 1, tmp_path / f"{name}.npy")
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "several.npy").read_bytes()
    for path in [embeddings, *shards]:
        assign_clusters(path, tmp_path / "one.npy", tmp_path / f"clusters-{path.name}")
    found = [read_array(tmp_path / f"clusters-{path.name}") for path in shards]
    assert np.concatenate(found).tolist() == read_array(tmp_path / f"clusters-{embeddings.name}").tolist()


def test_blocks_change_no_assignment() -> None:
    """Against scikit-learn at once; vectors between two centroids are where a last bit would show."""
    generator = np.random.default_rng(3)
    centroids = generator.normal(size=(60, 24)).astype(np.float32)
    middles = centroids[generator.integers(60, size=(70_000, 2))].mean(axis=1)
    with threadpool_limits(1):
        at_once = pairwise_distances_argmin(middles, centroids)
    assert np.array_equal(nearest_centroids(middles, centroids), at_once)


def test_an_impossible_k_is_refused(embeddings: Path, tmp_path: Path) -> None:
    for k in (91, 0):
        with pytest.raises(UserError, match=rf"clusters\.k: {k} clusters cannot be made from 90 different passages"):
            fit_clusters([embeddings], k, SETTINGS, 1, tmp_path / "centroids.npy")
    with pytest.raises(UserError, match="60 clusters cannot be made from 50 different passages"):
        fit_clusters([embeddings], 60, KMeansSettings(50, 10), 1, tmp_path / "centroids.npy")


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UserError, match=r"clusters\.iterations"):
        KMeansSettings(10, 0)
