"""From documents to splits that share nothing: generic train and held-out, every domain's train, valid and test.

In go the documents of the generic data set and of every domain; out come shuffled split files and a report. Of texts that are
equal (up to case and white space) or near-duplicates only one is kept, the one that stands earliest in this order:

    every domain's test > every domain's valid > every domain's train > generic held-out > generic train

so an evaluation document is never given up for a training document. Sizes of the evaluation splits are counts of documents, as
the paper's 20k held-out documents per data set (section 4.1); training has the rest.

    4 documents a b b' c of a domain, valid_documents 1, test_documents 1:   b' goes;   test c, valid a, train b
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasketch import LeanMinHash

from speclm.data.contamination import SimilarTexts, sketch_texts
from speclm.data.text import same_text_key
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, write_documents, write_json
from speclm.stage.streams import rng

GENERIC = "generic"


@dataclass(frozen=True)
class SplitSettings:
    """Sizes of the evaluation splits in documents, and what counts as near: MinHash Jaccard similarity of word 5-grams."""

    heldout_documents: int
    valid_documents: int
    test_documents: int
    similarity: float
    permutations: int

    def __post_init__(self) -> None:
        for key in ("heldout_documents", "valid_documents", "test_documents"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=f"splits.{key}", remedy="give a number of documents")
        if not 0 < self.similarity < 1:
            raise UserError("must lie between 0 and 1", key="splits.similarity", remedy="0.8 is a common value")
        if self.permutations < 16:
            raise UserError("too few to estimate a similarity", key="splits.permutations", remedy="64 is a good value")


def split_corpora(
    generic: Path, domains: Sequence[tuple[str, Path]], settings: SplitSettings, seed: int, output: Path
) -> dict[str, Any]:
    """Write ``{output}/{corpus}/{split}.jsonl.zst`` for every corpus, and ``{output}/report.json``.

    Returns:
        The report: documents and characters of every split; removed documents by the pair (removed from, equal to).

    Raises:
        UserError: a domain named twice or "generic"; a corpus with too few documents for its splits.
    """
    check_domain_names([name for name, _ in domains])
    evaluation = {"test": settings.test_documents, "valid": settings.valid_documents}
    removed = _Removals()
    splits: dict[tuple[str, str], list[_Text]] = {}
    for corpus, path in [*domains, (GENERIC, generic)]:
        sizes = {"heldout": settings.heldout_documents} if corpus == GENERIC else evaluation
        texts = _distinct_texts(corpus, path, settings, seed, removed)
        for split, part in _allocate(corpus, path, texts, sizes).items():
            splits[corpus, split] = part
    names = [name for name, _ in domains]
    priority = [(name, split) for split in ("test", "valid", "train") for name in names]
    priority += [(GENERIC, "heldout"), (GENERIC, "train")]
    kept = _separate({place: splits[place] for place in priority}, settings, removed)
    report: dict[str, Any] = {"splits": {}, "removed": removed.rows()}
    for (corpus, split), texts in kept.items():
        if not texts:
            raise UserError(
                f"nothing is left of {corpus}/{split}: all of it stands in other splits too",
                where=generic if corpus == GENERIC else dict(domains)[corpus],
                key="splits.similarity",
                remedy="raise splits.similarity, or take another data set",
            )
        write_documents(output / corpus / f"{split}.jsonl.zst", (text.document for text in texts))
        characters = sum(len(text.document["text"]) for text in texts)
        report["splits"][f"{corpus}/{split}"] = {"documents": len(texts), "characters": characters}
    write_json(output / "report.json", report)
    return report


def check_domain_names(names: Sequence[str]) -> None:
    """Refuse a domain that is named twice, or like the generic corpus.

    Raises:
        UserError: naming the domain.
    """
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f'the domain "{name}" is named twice', key="domains", remedy="name every domain once")
        if name == GENERIC:
            raise UserError('a domain cannot be called "generic"', key="domains", remedy="give it another name")


@dataclass(frozen=True)
class _Text:
    document: dict[str, Any]
    key: bytes
    sketch: LeanMinHash


class _Removals:
    """Counts of removed documents by where they stood and where the one that was kept stands."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, place: str, other: str, how: str) -> None:
        self._counts[place, other, how] += 1

    def rows(self) -> list[dict[str, Any]]:
        pairs = sorted({(place, other) for place, other, _ in self._counts})
        return [
            {"from": a, "kept_in": b, "exact": self._counts[a, b, "exact"], "near": self._counts[a, b, "near"]}
            for a, b in pairs
        ]


def _distinct_texts(corpus: str, path: Path, settings: SplitSettings, seed: int, removed: _Removals) -> list[_Text]:
    """The corpus in shuffled order, each text once; every corpus has its own random stream."""
    documents = list(read_documents(path))
    shuffled = [documents[i] for i in rng(seed, "split", corpus).permutation(len(documents))]
    first_by_key = {}
    for document in shuffled:
        if first_by_key.setdefault(same_text_key(document["text"]), document) is not document:
            removed.add(corpus, corpus, "exact")
    sketches = sketch_texts((document["text"] for document in first_by_key.values()), settings.permutations)
    texts = [_Text(first_by_key[key], key, sketch) for key, sketch in zip(first_by_key, sketches, strict=True)]
    index = SimilarTexts(settings.similarity, settings.permutations)
    return list(_keep_new(texts, corpus, corpus, index, removed))


def _allocate(corpus: str, path: Path, texts: list[_Text], sizes: dict[str, int]) -> dict[str, list[_Text]]:
    """Cut the evaluation splits off the front; the rest is train."""
    wanted = sum(sizes.values())
    if len(texts) <= wanted:
        keys = " and ".join(f"splits.{split}_documents" for split in sizes)
        raise UserError(
            f"{corpus} has {len(texts)} different documents; its evaluation splits take {wanted}, so none is left to train on",
            where=path,
            key=keys,
            remedy=f"lower {keys}, or give {corpus} more documents",
        )
    parts, start = {}, 0
    for split, size in sizes.items():
        parts[split] = texts[start : start + size]
        start += size
    return {**parts, "train": texts[start:]}


def _separate(
    splits: dict[tuple[str, str], list[_Text]], settings: SplitSettings, removed: _Removals
) -> dict[tuple[str, str], list[_Text]]:
    """Remove from every split what stands in an earlier one."""
    index = SimilarTexts(settings.similarity, settings.permutations)
    places: dict[bytes, str] = {}
    kept = {}
    for (corpus, split), texts in splits.items():
        name = f"{corpus}/{split}"
        new = [text for text in texts if text.key not in places]
        for text in texts:
            if text.key in places:
                removed.add(name, places[text.key], "exact")
        kept[corpus, split] = list(_keep_new(new, name, name, index, removed))
        places.update((text.key, name) for text in kept[corpus, split])
    return kept


def _keep_new(
    texts: list[_Text], place: str, label: str, index: SimilarTexts, removed: _Removals
) -> Iterator[_Text]:
    """The texts that resemble none in the index; each joins it under (label, its number)."""
    for number, text in enumerate(texts):
        found = index.find(text.sketch)
        if found is None:
            index.add((label, number), text.sketch)
            yield text
        else:
            removed.add(place, found[0], "near")
