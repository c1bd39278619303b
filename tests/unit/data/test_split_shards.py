"""Splitting shard by shard is what its definition says, whoever makes which shard when."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH

from speclm.data.splits import SplitSettings, report_splits, split_corpora, split_shard
from speclm.data.text import same_text_key
from speclm.data.tokenizer import Tokenizer
from speclm.data.traces import hash_words, run_hashes
from speclm.data.windows import encode_split, open_windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, sha256, write_documents
from speclm.stage.streams import rng

SETTINGS = SplitSettings(
    heldout_documents=2, valid_documents=1, test_documents=2, similarity=0.8, permutations=32, passage_words=8
)
Removed = Counter[tuple[str, str, str]]


class Placed:
    """The definition of a collision, by datasketch's own index and Python's sets, a text at a time."""

    def __init__(self) -> None:
        self.keys: dict[bytes, str] = {}
        self.index = MinHashLSH(threshold=SETTINGS.similarity, num_perm=SETTINGS.permutations)
        self.sketches: list[tuple[str, LeanMinHash]] = []
        self.passages: dict[int, str] = {}

    def add(self, place: str, text: str) -> None:
        self.keys[same_text_key(text)] = place
        self.index.insert(len(self.sketches), sketch(text))
        self.sketches.append((place, sketch(text)))
        for run in passages(text):
            self.passages.setdefault(run, place)

    def find(self, text: str, with_passages: bool = True) -> tuple[str, str] | None:
        if same_text_key(text) in self.keys:
            return self.keys[same_text_key(text)], "exact"
        for number in sorted(self.index.query(sketch(text))):
            place, other = self.sketches[number]
            if sketch(text).jaccard(other) >= SETTINGS.similarity:
                return place, "near"
        order = list(dict.fromkeys(self.passages.values()))
        shared = [self.passages[run] for run in passages(text) if run in self.passages]
        return (min(shared, key=order.index), "passage") if shared and with_passages else None


def sketch(text: str) -> LeanMinHash:
    words = hash_words([text])[0]
    runs = run_hashes(words, 5) if len(words) >= 5 else words
    return LeanMinHash(
        next(MinHash.generator([(runs >> np.uint64(32)).tolist()], num_perm=SETTINGS.permutations, hashfunc=int))
    )


def passages(text: str) -> list[int]:
    return run_hashes(hash_words([text])[0], SETTINGS.passage_words).tolist()


def by_definition(corpora: dict[str, list[str]], seed: int) -> tuple[dict[str, list[str]], Removed]:
    """The texts of every split and what was removed; the last corpus is the generic one, in one shard."""
    removed: Removed = Counter()
    pools = {}
    for corpus, texts in corpora.items():
        own, pools[corpus] = Placed(), list[str]()
        for number in rng(seed, "split", corpus).permutation(len(texts)):
            found = own.find(texts[number], with_passages=False)
            if found:
                removed[corpus, *found] += 1
            else:
                own.add(corpus, texts[number])
                pools[corpus].append(texts[number])
    sizes = {"test": 2, "valid": 1, "train": None, "heldout": 2}
    domains = [corpus for corpus in corpora if corpus != "generic"]
    order = [(corpus, split) for split in ("test", "valid", "train") for corpus in domains]
    placed, splits = Placed(), {}
    for corpus, split in [*order, ("generic", "heldout"), ("generic", "train")]:
        free = []
        for text in pools[corpus]:
            found = placed.find(text)
            if found:
                removed[corpus, *found] += 1
            else:
                free.append(text)
        splits[f"{corpus}/{split}"], pools[corpus] = free[: sizes[split]], free[sizes[split] or len(free) :]
        for text in splits[f"{corpus}/{split}"]:
            placed.add(f"{corpus}/{split}", text)
    return splits, removed


def write_texts(path: Path, texts: Sequence[str]) -> Path:
    write_documents(path, ({"id": str(i), "text": text, "origin": "o"} for i, text in enumerate(texts)))
    return path


def read_texts(path: Path) -> list[str]:
    return [document["text"] for document in read_documents(path)]


def split_all(folder: Path, shards: list[Path], domains: dict[str, Path], order: Sequence[int]) -> dict[str, Any]:
    """All stages, with the shards' jobs in this order."""
    split_corpora(shards[0], [(name, [path]) for name, path in domains.items()], SETTINGS, 1, folder, folder / "s")
    for shard in order:
        split_shard(shards[shard], shard, folder / "placed", SETTINGS, 1, train_file(folder, shard), folder / "s")
    facts = [Path(f"{train_file(folder, shard)}.json") for shard in range(len(shards))]
    return report_splits(folder / "placed.json", facts, folder / "report.json")


def train_file(folder: Path, shard: int) -> Path:
    return folder / f"generic/train/{shard:05d}.jsonl.zst"


def made_up(generator: np.random.Generator, count: int) -> Iterator[str]:
    """Texts of which many are equal, similar, overlapping or very short."""
    bases = [[f"b{base}w{i}" for i in range(generator.integers(3, 60))] for base in range(max(3, count // 4))]
    for number in range(count):
        words = list(bases[generator.integers(len(bases))])
        match generator.integers(5):
            case 0:
                words = [word.upper() for word in words]
            case 1:
                words[generator.integers(len(words))] = f"new{number}"
            case 2:
                words = [*(f"n{number}w{i}" for i in range(30)), *words[: generator.integers(6, 12)]]
            case _:
                words = [f"n{number}w{i}" for i in range(generator.integers(1, 50))]
        yield " ".join(words)


@pytest.mark.parametrize("seed", range(4))
def test_with_one_shard_it_is_the_definition(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    texts = list(made_up(generator, 90))
    corpora = {"a": texts[:20], "b": texts[20:40], "generic": texts[40:]}
    files = {name: write_texts(tmp_path / f"{name}.zst", part) for name, part in corpora.items()}
    splits, removed = by_definition(corpora, 1)
    report = split_all(tmp_path, [files.pop("generic")], files, [0])
    found = {name: read_texts(tmp_path / f"{name}.jsonl.zst") for name in splits if name != "generic/train"}
    assert {**found, "generic/train": read_texts(train_file(tmp_path, 0))} == splits
    assert {"exact", "passage"} <= {how for _, _, how in removed}
    assert {(row["from"], row["kept_in"], row["how"]): row["documents"] for row in report["removed"]} == removed
    assert {name: row["documents"] for name, row in report["splits"].items()} == {n: len(t) for n, t in splits.items()}
    assert list(report["splits"]) == list(splits)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_the_store_is_the_same_whoever_makes_which_shard_when(tmp_path: Path, tokenizer: Tokenizer, count: int) -> None:
    texts = list(made_up(np.random.default_rng(count), 40 * (count + 1)))
    shards = [write_texts(tmp_path / f"{n}.zst", texts[40 * n : 40 * n + 40]) for n in range(count)]
    domains = {"a": write_texts(tmp_path / "a.zst", texts[40 * count :])}
    orders = list(permutations(range(count)))
    sums = set()
    for order in (orders[0], orders[len(orders) // 3], orders[-1]):
        folder = tmp_path / "run"
        shutil.rmtree(folder, ignore_errors=True)
        split_all(folder, shards, domains, order)
        for shard in order:
            encode_split(train_file(folder, shard), tokenizer, 8, 1, folder / f"tokens/{shard:05d}.bin")
        sums.add(sha256(folder))
    assert len(sums) == 1
    windows = open_windows([folder / f"tokens/{shard:05d}.bin" for shard in range(count)], tokenizer.sha256)
    for shard in range(count):
        alone = open_windows(folder / f"tokens/{shard:05d}.bin")
        numbers = np.arange(alone.count)
        assert np.array_equal(windows.batch(windows.starts[shard] + numbers), alone.batch(numbers))


def test_no_shard_keeps_what_stands_in_another_split(tmp_path: Path) -> None:
    texts = list(made_up(np.random.default_rng(5), 160))
    shards = [write_texts(tmp_path / f"{n}.zst", texts[40 * n : 40 * n + 40]) for n in range(3)]
    report = split_all(tmp_path, shards, {"a": write_texts(tmp_path / "a.zst", texts[120:])}, range(3))
    placed = Placed()
    for name in report["splits"]:
        if name != "generic/train":
            for text in read_texts(tmp_path / f"{name}.jsonl.zst"):
                placed.add(name, text)
    kept = [text for shard in range(3) for text in read_texts(train_file(tmp_path, shard))]
    assert not any(map(placed.find, kept))
    assert report["splits"]["generic/train"]["documents"] == len(kept)
    removed = [row for row in report["removed"] if row["from"] == "generic"]
    assert {"generic", "a/train"} <= {row["kept_in"] for row in removed}
    assert len(kept) + sum(row["documents"] for row in removed) + 2 == 120  # with the two that are held out


def test_a_shard_that_fails_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    texts = list(made_up(np.random.default_rng(6), 160))
    shards = [write_texts(tmp_path / f"{n}.zst", texts[40 * n : 40 * n + 40]) for n in range(3)]
    domains = {"a": write_texts(tmp_path / "a.zst", texts[120:])}
    split_all(tmp_path / "whole", shards, domains, range(3))
    content = shards[1].read_bytes()
    shards[1].write_bytes(content[:-20])
    folder = tmp_path / "run"
    with pytest.raises(UserError, match="damaged document file"):
        split_all(folder, shards, domains, [2, 0, 1])
    made = [train_file(folder, shard).exists() for shard in range(3)]
    assert made == [True, False, True] and not (folder / "s").exists()
    stamps = [train_file(folder, shard).stat().st_mtime_ns for shard in (0, 2)]
    shards[1].write_bytes(content)
    split_shard(shards[1], 1, folder / "placed", SETTINGS, 1, train_file(folder, 1), folder / "s")
    assert [train_file(folder, shard).stat().st_mtime_ns for shard in (0, 2)] == stamps
    for shard in range(3):
        assert train_file(folder, shard).read_bytes() == train_file(tmp_path / "whole", shard).read_bytes()


def test_a_shard_of_which_nothing_is_left_is_named(tmp_path: Path) -> None:
    texts = [" ".join(f"{i}w{j}" for j in range(30)) for i in range(60)]
    shards = [write_texts(tmp_path / "0.zst", texts[:30]), write_texts(tmp_path / "1.zst", texts[30:])]
    with pytest.raises(UserError, match="generic has 0 documents left for its train split") as caught:
        split_all(tmp_path / "run", shards, {"a": write_texts(tmp_path / "a.zst", texts[30:])}, range(2))
    assert str(shards[1]) in str(caught.value)
