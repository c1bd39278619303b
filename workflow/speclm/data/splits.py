"""From documents to splits that share nothing: generic train and held-out, every domain's train, valid and test.

In go the documents of the generic data set and of every domain; out come shuffled split files and a report. Each corpus
is first freed of its own duplicates. Then splits are filled in this order, and a document that collides with one
already placed (equal, near-duplicate, or with a common passage: see `contamination`) is removed:

    every domain's test, every domain's valid, every domain's train, generic held-out, generic train

so an evaluation document is never given up for a training document. Sizes of the evaluation splits are counts of
documents, as the paper's 20k held-out documents per data set; training has the rest.

    documents a b b' c of a domain, valid_documents 1, test_documents 1:   b' goes;   test c, valid a, train b

Everything is held in memory, about ten times the text: meant for corpora up to some gigabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speclm.data.contamination import PlacedTexts, Traces, trace_texts
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, write_documents, write_json
from speclm.stage.streams import rng

GENERIC = "generic"
Text = tuple[dict[str, Any], Traces]  # a document and what of it is compared


@dataclass(frozen=True)
class SplitSettings:
    """Sizes of the evaluation splits, in documents, and when two documents collide.

    Attributes:
        similarity: MinHash Jaccard similarity of five-word runs from which two documents are near-duplicates.
        permutations: of MinHash; the estimate's standard error at similarity s is sqrt(s (1 - s) / permutations).
        passage_words: two splits share no run of so many words; about a quarter of the context's tokens.
    """

    heldout_documents: int
    valid_documents: int
    test_documents: int
    similarity: float
    permutations: int
    passage_words: int

    def __post_init__(self) -> None:
        for key in ("heldout_documents", "valid_documents", "test_documents", "passage_words"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=_config_key(key), remedy="give a number above 0")
        if not 0 < self.similarity < 1:
            raise UserError("must lie between 0 and 1", key=_config_key("similarity"), remedy="0.8 is a common value")
        if self.permutations < 16:
            raise UserError("must be 16 or more", key=_config_key("permutations"), remedy="64 is a good value")


def split_corpora(
    generic: Sequence[Path],
    domains: Sequence[tuple[str, Sequence[Path]]],
    settings: SplitSettings,
    seed: int,
    output: Path,
) -> dict[str, Any]:
    """Write ``{output}/{corpus}/{split}.jsonl.zst`` for every corpus, and ``{output}/report.json``.

    Args:
        generic: its document files, which are its shards in order.
        domains: (name, document files) in the order of priority; a domain added at the end changes no other domain's
            splits.

    Returns:
        The report: documents and characters of every split; removed documents by where they stood, where the one that
        is kept stands, and how they collided.

    Raises:
        UserError: a domain named twice or "generic"; a corpus with too few documents for its splits.
    """
    check_domain_names([name for name, _ in domains])
    paths = {**dict(domains), GENERIC: generic}
    removed: Counter[tuple[str, str, str]] = Counter()
    pools = {corpus: distinct_texts(corpus, path, settings, seed, removed) for corpus, path in paths.items()}
    sizes = {
        "test": settings.test_documents,
        "valid": settings.valid_documents,
        "heldout": settings.heldout_documents,
        "train": None,
    }
    order = [(name, split) for split in ("test", "valid", "train") for name, _ in domains]
    placed = PlacedTexts(settings.similarity, settings.permutations)
    report: dict[str, Any] = {"splits": {}}
    for corpus, split in [*order, (GENERIC, "heldout"), (GENERIC, "train")]:
        pool, size = free_texts(pools[corpus], corpus, placed, removed), sizes[split]
        if len(pool) < (size or 1):
            raise UserError(
                f"{corpus} has {len(pool)} documents left for its {split} split, which takes {size or 'at least 1'}",
                where=", ".join(map(str, paths[corpus][:2])),
                key=f"documents.{split}" if size else "documents",
                remedy=f"lower the sizes of the evaluation splits, or give {corpus} more documents",
            )
        part, pools[corpus] = pool[:size], pool[len(pool) if size is None else size :]
        placed.add(f"{corpus}/{split}", [traces for _, traces in part], passages=True)
        write_documents(output / corpus / f"{split}.jsonl.zst", (document for document, _ in part))
        characters = sum(len(document["text"]) for document, _ in part)
        report["splits"][f"{corpus}/{split}"] = {"documents": len(part), "characters": characters}
    report["removed"] = [
        {"from": place, "kept_in": other, "how": how, "documents": count}
        for (place, other, how), count in sorted(removed.items())
    ]
    write_json(output / "report.json", report)
    return report


def split_settings(section: Mapping[str, Any]) -> SplitSettings:
    """The settings from the configuration's section "documents"."""
    return SplitSettings(
        heldout_documents=section["heldout"],
        valid_documents=section["valid"],
        test_documents=section["test"],
        similarity=section["near_duplicate"],
        permutations=section["permutations"],
        passage_words=section["passage_words"],
    )


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


def distinct_texts(
    corpus: str, paths: Sequence[Path], settings: SplitSettings, seed: int, removed: Counter[tuple[str, str, str]]
) -> list[Text]:
    """The corpus in shuffled order, without duplicates; every corpus has its own random stream."""
    documents = [document for path in paths for document in read_documents(path)]
    shuffled = [documents[i] for i in rng(seed, "split", corpus).permutation(len(documents))]
    traces = trace_texts([document["text"] for document in shuffled], settings.permutations, settings.passage_words)
    kept = []
    placed = PlacedTexts(settings.similarity, settings.permutations)
    for document, trace in zip(shuffled, traces, strict=True):
        # Within a corpus common passages are no harm: licences and boilerplate are part of what a model meets.
        found = placed.find(trace)
        if found is None:
            placed.add(corpus, [trace], passages=False)
            kept.append((document, trace))
        else:
            removed[corpus, *found] += 1
    return kept


def free_texts(
    pool: list[Text], corpus: str, placed: PlacedTexts, removed: Counter[tuple[str, str, str]]
) -> list[Text]:
    """The texts of the pool that collide with none that has a place; the others are counted in `removed`."""
    free = []
    for document, trace in pool:
        found = placed.find(trace)
        if found is None:
            free.append((document, trace))
        else:
            removed[corpus, *found] += 1
    return free


def _config_key(field: str) -> str:
    """What the configuration calls a field of `SplitSettings`."""
    return "documents." + {"similarity": "near_duplicate"}.get(field, field.removesuffix("_documents"))
