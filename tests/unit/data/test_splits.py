"""Splits share nothing, have the sizes asked for, and do not depend on other corpora."""

from collections import Counter
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from speclm.data.splits import (
    SplitSettings,
    report_splits,
    split_corpora,
    split_settings,
    split_shard,
)
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, read_json, write_documents

SETTINGS = SplitSettings(
    heldout_documents=4, valid_documents=2, test_documents=3, similarity=0.8, permutations=32, passage_words=10
)


def write_corpus(folder: Path, name: str, texts: list[str]) -> list[Path]:
    """One shard."""
    path = folder / f"{name}.jsonl.zst"
    write_documents(path, ({"id": f"{name}{i}", "text": text, "origin": name} for i, text in enumerate(texts)))
    return [path]


def split(
    generic: list[Path], domains: list[tuple[str, list[Path]]], settings: SplitSettings, seed: int, output: Path
) -> dict[str, Any]:
    """All stages of it, with generic train in one file as every other split."""
    split_corpora(generic[0], domains, settings, seed, output, output / "scratch")
    train = output / "generic/train.jsonl.zst"
    split_shard(generic[0], 0, output / "placed", settings, seed, train, output / "scratch")
    assert not (output / "scratch").exists()
    return report_splits(output / "placed.json", [Path(f"{train}.json")], output / "report.json")


def texts_of(name: str, count: int) -> list[str]:
    return [" ".join(f"{name}{i}x{j}" for j in range(30)) for i in range(count)]


def read_split(folder: Path, place: str) -> list[str]:
    return [document["id"] for document in read_documents(folder / f"{place}.jsonl.zst")]


def test_every_document_stands_in_one_split_and_sizes_are_exact(tmp_path: Path) -> None:
    generic, a = write_corpus(tmp_path, "g", texts_of("g", 20)), write_corpus(tmp_path, "a", texts_of("a", 9))
    report = split(generic, [("a", a)], SETTINGS, 1, tmp_path / "s")
    sizes = {place: row["documents"] for place, row in report["splits"].items()}
    assert sizes == {"a/test": 3, "a/valid": 2, "a/train": 4, "generic/heldout": 4, "generic/train": 16}
    ids = [name for place in sizes for name in read_split(tmp_path / "s", place)]
    assert sorted(ids) == sorted([f"g{i}" for i in range(20)] + [f"a{i}" for i in range(9)])
    assert report == read_json(tmp_path / "s" / "report.json")


def test_documents_that_collide_stay_where_they_matter_most(tmp_path: Path) -> None:
    own, other = texts_of("a", 9), texts_of("b", 9)
    generic_texts = texts_of("g", 20)
    generic = write_corpus(tmp_path, "g", generic_texts + own + [generic_texts[0].upper()])
    a = write_corpus(tmp_path, "a", own)
    b = write_corpus(tmp_path, "b", other + own)
    report = split(generic, [("a", a), ("b", b)], SETTINGS, 1, tmp_path / "s")
    splits = {place: read_split(tmp_path / "s", place) for place in report["splits"]}
    kept = {
        document["text"].casefold()
        for place in splits
        for document in read_documents(tmp_path / "s" / f"{place}.jsonl.zst")
    }
    assert kept == set(own + other + generic_texts)  # nothing is lost
    assert sum(map(len, splits.values())) == len(kept)  # and nothing stands twice
    assert not {f"g{i}" for i in range(20, 29)} & {*splits["generic/train"], *splits["generic/heldout"]}
    assert {"from": "generic", "kept_in": "generic", "how": "exact", "documents": 1} in report["removed"]
    assert sum(row["documents"] for row in report["removed"] if row["from"] == "generic") == 10
    assert len(splits["a/test"]) == len(splits["b/test"]) == 3


def test_a_common_passage_takes_the_training_document_away(tmp_path: Path) -> None:
    passage = " ".join(f"p{j}" for j in range(10))
    generic = write_corpus(tmp_path, "g", texts_of("g", 20) + [f"{text} {passage}" for text in texts_of("h", 5)])
    a = write_corpus(tmp_path, "a", [f"{text} {passage}" for text in texts_of("a", 1)] + texts_of("c", 9))
    report = split(generic, [("a", a)], SETTINGS, 1, tmp_path / "s")
    assert [(row["from"], row["how"], row["documents"]) for row in report["removed"]] == [("generic", "passage", 5)]


@pytest.mark.parametrize(
    ("off", "removed"),
    [
        ({}, {"exact": 2, "near": 2, "passage": 1}),
        ({"similarity": inf}, {"exact": 2, "passage": 3}),  # what was nearly equal has common passages too
        ({"passage_words": inf}, {"exact": 2, "near": 2}),
        ({"similarity": inf, "passage_words": inf}, {"exact": 2}),
    ],
)
def test_comparisons_that_are_turned_off_keep_what_they_would_remove(
    tmp_path: Path, off: dict[str, float], removed: dict[str, int]
) -> None:
    own = texts_of("a", 9)
    nearly = [f"{text} end" for text in own[:2]]
    passage = " ".join(own[3].split()[:10])
    generic = write_corpus(tmp_path, "g", [*texts_of("g", 20), *own[4:6], *nearly, f"{texts_of('h', 1)[0]} {passage}"])
    a = write_corpus(tmp_path, "a", own)
    report = split(generic, [("a", a)], replace(SETTINGS, **off), 1, tmp_path / "s")
    counts: Counter[str] = Counter()
    for row in report["removed"]:
        counts[row["how"]] += row["documents"]
    assert counts == removed
    ids = [name for place in report["splits"] for name in read_split(tmp_path / "s", place)]
    assert len(ids) == len(set(ids)) == 34 - sum(removed.values())  # held-out documents are not trained on


def test_null_turns_a_comparison_off() -> None:
    section = {"heldout": 4, "valid": 2, "test": 3, "near_duplicate": None, "permutations": 32, "passage_words": None}
    assert split_settings(section, 128) == replace(SETTINGS, similarity=inf, passage_words=inf)


@pytest.mark.parametrize(
    ("given", "context", "words"), [(0.25, 128, 32), (0.25, 64, 16), (0.25, 1024, 256), (0.25, 8, 5), (32, 64, 32)]
)
def test_a_passage_is_a_share_of_the_context_or_so_many_words(given: float, context: int, words: int) -> None:
    section = {"heldout": 4, "valid": 2, "test": 3, "near_duplicate": 0.8, "permutations": 32, "passage_words": given}
    assert split_settings(section, context).passage_words == words


def test_a_domain_more_changes_nothing_else_and_runs_repeat(tmp_path: Path) -> None:
    generic = write_corpus(tmp_path, "g", texts_of("g", 20))
    a, b = write_corpus(tmp_path, "a", texts_of("a", 9)), write_corpus(tmp_path, "b", texts_of("b", 9))
    split(generic, [("a", a)], SETTINGS, 1, tmp_path / "one")
    split(generic, [("a", a), ("b", b)], SETTINGS, 1, tmp_path / "two")
    split(generic, [("a", a)], SETTINGS, 2, tmp_path / "seed")
    for file in sorted((tmp_path / "one").rglob("*.zst")):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
    assert read_split(tmp_path / "one", "a/test") != read_split(tmp_path / "seed", "a/test")


def test_shards_are_read_as_one_corpus_in_their_order(tmp_path: Path) -> None:
    generic, (a,) = write_corpus(tmp_path, "g", texts_of("g", 20)), write_corpus(tmp_path, "a", texts_of("a", 9))
    documents = list(read_documents(a))
    parts = [tmp_path / f"{number:05d}.jsonl.zst" for number in range(3)]
    for number, part in enumerate(parts):
        write_documents(part, documents[3 * number : 3 * number + 3])
    split(generic, [("a", [a])], SETTINGS, 1, tmp_path / "one")
    split(generic, [("a", parts)], SETTINGS, 1, tmp_path / "three")
    for file in sorted((tmp_path / "one").rglob("*.zst")):
        assert file.read_bytes() == (tmp_path / "three" / file.relative_to(tmp_path / "one")).read_bytes()


def test_too_few_documents_name_the_domain_the_key_and_the_remedy(tmp_path: Path) -> None:
    generic = write_corpus(tmp_path, "g", texts_of("g", 20))
    a = write_corpus(tmp_path, "a", texts_of("a", 5))
    with pytest.raises(UserError, match="documents: a has 0 documents left for its train split") as caught:
        split(generic, [("a", a)], SETTINGS, 1, tmp_path / "s")
    assert "Remedy: lower" in str(caught.value) and "a.jsonl.zst" in str(caught.value)
    with pytest.raises(UserError, match=r"documents\.valid: a has 2 documents left for its valid split, which takes 6"):
        split(generic, [("a", a)], replace(SETTINGS, valid_documents=6), 1, tmp_path / "s")


@pytest.mark.parametrize(
    ("bad", "key"),
    [
        ({"test_documents": 0}, "documents.test"),
        ({"similarity": 1.0}, "documents.near_duplicate"),
        ({"permutations": 3}, "documents.permutations"),
        ({"passage_words": 0}, "documents.passage_words"),
    ],
)
def test_bad_settings_are_refused(bad: dict[str, float], key: str) -> None:
    with pytest.raises(UserError, match=f"{key}: must"):
        replace(SETTINGS, **bad)
