"""From documents to splits that share nothing: generic train and held-out, every domain's train, valid and test.

In go the documents of the generic data set, in shards, and of every domain; out come shuffled split files and a report.
Each domain, and each generic shard, is first freed of its own duplicates. Then splits are filled in this order, and a
document that collides with one already placed (equal, near-duplicate, or with a common passage: see `contamination`) is
removed:

    every domain's test, every domain's valid, every domain's train, generic held-out, generic train

so an evaluation document is never given up for a training document. Sizes of the evaluation splits are counts of
documents, as the paper's 20k held-out documents per data set; training has the rest.

    documents a b b' c of a domain, valid_documents 1, test_documents 1:   b' goes;   test c, valid a, train b

`split_corpora` places all but generic train (held-out comes from the first shard) and leaves what it placed in a form
that the jobs of the shards compare with: `split_shard`, one for each, in any order. Duplicates across generic shards
are not looked for. Texts and what of them is compared stay on disk; memory takes some hundred bytes a document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.contamination import KINDS, NOTHING, PlacedTexts, find_repeats
from speclm.data.names import GENERIC, HELDOUT, PLACED, TRAIN, check_domain_names
from speclm.data.pool import Pool, open_pool
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, sha256, write_documents, write_json
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]
Removed = Counter[tuple[str, str, str]]  # from, kept in, how
FEWEST_WORDS = 5  # of a passage: those of a shingle


@dataclass(frozen=True)
class SplitSettings:
    """Sizes of the evaluation splits, in documents, and when two documents collide.

    Attributes:
        similarity: MinHash Jaccard similarity of five-word runs from which two documents are near-duplicates; infinity
            keeps these.
        permutations: of MinHash; the estimate's standard error at similarity s is sqrt(s (1 - s) / permutations).
        passage_words: two splits share no run of so many words; about a quarter of the context's tokens. With infinity
            they may share all but whole documents.
    """

    heldout_documents: int
    valid_documents: int
    test_documents: int
    similarity: float
    permutations: int
    passage_words: float

    def __post_init__(self) -> None:
        for key in ("heldout_documents", "valid_documents", "test_documents", "passage_words"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=_config_key(key), remedy="give a number above 0")
        if not (0 < self.similarity < 1 or self.similarity == inf):
            raise UserError(
                "must lie between 0 and 1",
                key=_config_key("similarity"),
                remedy="0.8 is a common value, null turns it off",
            )
        if self.permutations < 16:
            raise UserError("must be 16 or more", key=_config_key("permutations"), remedy="64 is a good value")


def split_corpora(
    generic: Path,
    domains: Sequence[tuple[str, Sequence[Path]]],
    settings: SplitSettings,
    seed: int,
    output: Path,
    scratch: Path,
) -> dict[str, Any]:
    """Write ``{corpus}/{split}.jsonl.zst`` for all but generic train, ``placed/`` and ``placed.json`` into `output`.

    Args:
        generic: the first of its shards.
        domains: (name, document files) in the order of priority; a domain added at the end changes no other domain's
            splits, but for documents that collide with its own.

    Returns:
        The report, placed.json: documents and characters of every split in the order of placing; removed documents by
        where they stood, where the one that is kept stands, and how they collided; the checksum of placed/.

    Raises:
        UserError: a domain named twice or "generic"; a corpus with too few documents for its splits.
    """
    check_domain_names([name for name, _ in domains])
    removed: Removed = Counter()
    placed = PlacedTexts(settings.similarity, settings.permutations, output / PLACED)
    sizes = {"test": settings.test_documents, "valid": settings.valid_documents, "train": None}
    facts = {}
    with ExitStack() as stack:
        pools, left = {}, {}
        for name, paths in domains:
            pools[name] = stack.enter_context(open_corpus(name, paths, settings, seed, scratch / name))
            left[name] = distinct_texts(pools[name], name, settings, removed)
        for split, size in sizes.items():
            for name, paths in domains:
                free = free_texts(pools[name], left[name], name, placed, removed)
                _check_size(len(free), name, split, size, paths)
                facts[f"{name}/{split}"] = place_texts(pools[name], free[:size], f"{name}/{split}", placed, output)
                left[name] = free[size:]
    facts[HELDOUT] = _hold_out(generic, settings, seed, placed, output, scratch)
    report = {"splits": facts, "removed": removed_rows(removed), "sha256": sha256(output / PLACED)}
    write_json(output / "placed.json", report)
    return report


def split_shard(
    documents: Path, shard: int, placed: Path, settings: SplitSettings, seed: int, output: Path, scratch: Path
) -> dict[str, Any]:
    """Write what of a generic shard is trained on, and its facts beside it (`{output}.json`).

    Args:
        placed: the folder that `split_corpora` wrote.

    Returns:
        The facts: documents, characters, the file's checksum, removed documents.

    Raises:
        UserError: none of its documents is left.
    """
    removed: Removed = Counter()
    texts = PlacedTexts(settings.similarity, settings.permutations, placed)
    for place in read_json(placed.with_suffix(".json"))["splits"]:
        texts.open(place)
    with open_corpus(GENERIC, [documents], settings, seed, scratch, shard) as pool:
        free = free_texts(pool, distinct_texts(pool, GENERIC, settings, removed), GENERIC, texts, removed)
        if shard == 0:  # there an equal one is the held-out document itself
            del removed[GENERIC, HELDOUT, "exact"]
        _check_size(len(free), GENERIC, "train", None, [documents])
        facts = write_texts(pool, free, output)
    report = {**facts, "sha256": sha256(output), "removed": removed_rows(removed)}
    write_json(f"{output}.json", report)
    return report


def report_splits(placed: Path, shards: Sequence[Path], output: Path) -> dict[str, Any]:
    """Write the report on all splits from that on the placed ones and those on the generic shards.

    Returns:
        The report: documents and characters of every split; removed documents.
    """
    parts = [read_json(path) for path in shards]
    report = read_json(placed)
    removed: Removed = Counter()
    for row in (row for part in (report, *parts) for row in part["removed"]):
        removed[row["from"], row["kept_in"], row["how"]] += row["documents"]
    train = {key: sum(part[key] for part in parts) for key in ("documents", "characters")}
    whole = {"splits": {**report["splits"], TRAIN: train}, "removed": removed_rows(removed)}
    write_json(output, whole)
    return whole


def split_settings(section: Mapping[str, Any], context: int) -> SplitSettings:
    """The settings from the configuration's section "documents", where null turns a comparison off.

    Args:
        context: tokens of a window, of which `passage_words` below 1 is a share.
    """
    words = _or_off(section["passage_words"])
    return SplitSettings(
        heldout_documents=section["heldout"],
        valid_documents=section["valid"],
        test_documents=section["test"],
        similarity=_or_off(section["near_duplicate"]),
        permutations=section["permutations"],
        passage_words=max(FEWEST_WORDS, int(words * context)) if words < 1 else words,
    )


def open_corpus(
    corpus: str,
    paths: Sequence[Path],
    settings: SplitSettings,
    seed: int,
    scratch: Path,
    shard: int = 0,
    first: int | None = None,
) -> AbstractContextManager[Pool]:
    """A corpus or one of its shards; each has its own random stream, the first shard that of the corpus."""
    stream = rng(seed, "split", corpus, *([shard] if shard else []))
    return open_pool(paths, stream, settings.permutations, settings.passage_words, scratch, first)


def distinct_texts(pool: Pool, corpus: str, settings: SplitSettings, removed: Removed) -> Array:
    """The numbers of the texts that repeat no earlier one; the others are counted in `removed`."""
    kinds_N = find_repeats(pool.keys, pool.sketches, settings.similarity)
    for kind, count in Counter(kinds_N[kinds_N != NOTHING].tolist()).items():
        removed[corpus, corpus, KINDS[kind]] += count
    return np.flatnonzero(kinds_N == NOTHING)


def free_texts(pool: Pool, numbers: Array, corpus: str, placed: PlacedTexts, removed: Removed) -> Array:
    """Those of the numbered texts that collide with none that has a place; the others are counted in `removed`."""
    found = placed.find(pool.traces(numbers))
    removed.update(found.count(corpus, placed.places))
    free: Array = numbers[found.kinds == NOTHING]
    return free


def place_texts(pool: Pool, numbers: Array, place: str, placed: PlacedTexts, output: Path) -> dict[str, int]:
    """Give the numbered texts their place and write them there: documents, characters."""
    placed.add(place, pool.traces(numbers))
    return write_texts(pool, numbers, output / f"{place}.jsonl.zst")


def write_texts(pool: Pool, numbers: Array, output: Path) -> dict[str, int]:
    """Write the numbered documents: how many, and their characters."""
    lengths = list[int]()

    def documents() -> Iterator[dict[str, Any]]:
        for document in pool.documents(numbers):
            lengths.append(len(document["text"]))
            yield document

    write_documents(output, documents())
    return {"documents": len(lengths), "characters": sum(lengths)}


def removed_rows(removed: Removed) -> list[dict[str, Any]]:
    """The counts as rows of a report."""
    return [
        {"from": place, "kept_in": other, "how": how, "documents": count}
        for (place, other, how), count in sorted(removed.items())
    ]


def _hold_out(
    generic: Path, settings: SplitSettings, seed: int, placed: PlacedTexts, output: Path, scratch: Path
) -> dict[str, int]:
    """Generic held-out: of the first shard's shuffled documents the first that collide with nothing.

    What is removed before them is counted with the rest of the shard.
    """
    size, wanted = settings.heldout_documents, settings.heldout_documents
    while True:
        wanted *= 2
        with open_corpus(GENERIC, [generic], settings, seed, scratch / GENERIC, first=wanted) as pool:
            free = free_texts(pool, distinct_texts(pool, GENERIC, settings, Counter()), GENERIC, placed, Counter())
            if len(free) >= size or pool.whole:
                _check_size(len(free), GENERIC, "heldout", size, [generic])
                return place_texts(pool, free[:size], HELDOUT, placed, output)


def _check_size(left: int, corpus: str, split: str, size: int | None, paths: Sequence[Path]) -> None:
    if left < (size or 1):
        raise UserError(
            f"{corpus} has {left} documents left for its {split} split, which takes {size or 'at least 1'}",
            where=", ".join(map(str, paths[:2])),
            key=f"documents.{split}" if size else "documents",
            remedy=f"lower the sizes of the evaluation splits, or give {corpus} more documents",
        )


def _or_off(limit: float | None) -> float:
    return inf if limit is None else limit


def _config_key(field: str) -> str:
    """What the configuration calls a field of `SplitSettings`."""
    return "documents." + {"similarity": "near_duplicate"}.get(field, field.removesuffix("_documents"))
