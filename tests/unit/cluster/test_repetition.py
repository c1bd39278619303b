"""Shares and entropies over seeds against closed forms, and against the study's own histograms."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from speclm.cluster.histogram import write_histograms
from speclm.cluster.kmeans import KMeansSettings, assign_clusters, fit_clusters
from speclm.cluster.passage import windows_path
from speclm.cluster.repetition import repeat_clusters
from speclm.stage.errors import UserError
from speclm.stage.files import read_table, write_array
from speclm.study.histograms import entropies, top_shares

SETTINGS = KMeansSettings(fit_passages=150, iterations=50)
COLUMNS = ["corpus", "k", "seed", "sample", "windows", "top_share", "entropy"]


def write_vectors(folder: Path, **corpora: np.ndarray) -> dict[str, list[Path]]:
    """One shard each, of passages of one window."""
    paths = {corpus: [folder / f"{corpus}.npy"] for corpus in corpora}
    for corpus, (path,) in paths.items():
        write_array(path, corpora[corpus].astype(np.float32))
        write_array(windows_path(path), np.arange(len(corpora[corpus]), dtype=np.int32))
    return paths


def repeat(paths: dict[str, list[Path]], ks: list[int], seeds: list[int], output: Path) -> pd.DataFrame:
    repeat_clusters(paths, ks, SETTINGS, seeds, output)
    return read_table(output)


def test_four_places_make_four_clusters_whatever_the_seed(tmp_path: Path) -> None:
    """Generic text lies evenly on four places, law on one of them, tax evenly on two."""
    places = np.eye(4)
    paths = write_vectors(
        tmp_path,
        generic=np.repeat(places, 25, axis=0),
        law=np.repeat(places[:1], 10, axis=0),
        tax=np.repeat(places[1:3], 30, axis=0),
    )
    facts = repeat_clusters(paths, [4], SETTINGS, [1, 2, 3], tmp_path / "r.tsv")
    assert facts == {"seeds": 3, "equal_windows": 10}
    table = read_table(tmp_path / "r.tsv")
    assert table.columns.tolist() == COLUMNS and len(table) == 3 * 3 * 2
    whole = table.loc[table["sample"] == "all"].set_index("corpus")
    for corpus, windows, share in (("generic", 100, 1 / 4), ("law", 10, 1), ("tax", 60, 1 / 2)):
        rows = whole.loc[corpus]
        assert rows["seed"].tolist() == [1, 2, 3] and rows["windows"].tolist() == [windows] * 3
        assert rows["top_share"].tolist() == pytest.approx([share] * 3)
        assert rows["entropy"].tolist() == pytest.approx([-math.log(share)] * 3)
    equal = table.loc[table["sample"] == "equal"].set_index("corpus")
    assert set(equal["windows"]) == {10}
    assert equal.loc["law", "top_share"].tolist() == [1, 1, 1]
    assert (equal["entropy"] <= math.log(4) + 1e-9).all()
    assert equal.loc["generic", "top_share"].nunique() > 1  # 10 windows drawn anew for each seed


def test_a_seed_gives_what_the_study_has_with_it(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    paths = write_vectors(tmp_path, generic=generator.normal(size=(200, 5)), law=generator.normal(size=(40, 5)))
    table = repeat(paths, [3, 8], [17, 18], tmp_path / "r.tsv").query("sample == 'all'")
    for seed in (17, 18):
        assignments = {}
        for k in (3, 8):
            fit_clusters(paths["generic"], k, SETTINGS, seed, tmp_path / f"c{k}.npy")
            for corpus, (path,) in paths.items():
                assignments[corpus, k] = [tmp_path / f"{corpus}{k}.npy"]
                assign_clusters(path, tmp_path / f"c{k}.npy", *assignments[corpus, k])
        write_histograms(assignments, tmp_path / "h.tsv")
        histograms = read_table(tmp_path / "h.tsv")
        found = table.loc[table["seed"] == seed].pivot(index="corpus", columns="k", values=["top_share", "entropy"])
        pd.testing.assert_frame_equal(found["top_share"], top_shares(histograms), rtol=1e-7)
        pd.testing.assert_frame_equal(found["entropy"], entropies(histograms), rtol=1e-7)


def test_bytes_repeat_and_a_corpus_more_changes_no_other_with_all_windows(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    paths = write_vectors(
        tmp_path, **{name: generator.normal(size=(size, 3)) for name, size in (("generic", 60), ("a", 9), ("b", 7))}
    )
    both = repeat(paths, [4], [5], tmp_path / "one.tsv")
    repeat(paths, [4], [5], tmp_path / "two.tsv")
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()
    less = repeat({name: paths[name] for name in ("generic", "a")}, [4], [5], tmp_path / "less.tsv")
    kept = both.query("sample == 'all' and corpus != 'b'").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, less.query("sample == 'all'").reset_index(drop=True))


def test_shards_are_one_corpus(tmp_path: Path) -> None:
    vectors = np.random.default_rng(2).normal(size=(90, 4))
    one = write_vectors(tmp_path, generic=vectors, law=vectors[:20])
    parts = write_vectors(tmp_path, a=vectors[:40], b=vectors[40:45], c=vectors[45:])
    several = {"generic": [path for paths in parts.values() for path in paths], "law": one["law"]}
    pd.testing.assert_frame_equal(
        repeat(one, [3, 5], [1, 2], tmp_path / "one.tsv"), repeat(several, [3, 5], [1, 2], tmp_path / "several.tsv")
    )


def test_an_impossible_k_is_refused(tmp_path: Path) -> None:
    paths = write_vectors(tmp_path, generic=np.eye(3))
    with pytest.raises(UserError, match=r"clusters\.k: 4 clusters cannot be made from 3 different passages"):
        repeat_clusters(paths, [4], SETTINGS, [1], tmp_path / "r.tsv")
    assert not (tmp_path / "r.tsv").exists()
