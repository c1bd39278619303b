"""A domain that joins a finished study: its splits, against the generic text as it is.

In a study generic documents make way for a domain's (see `splits`). Here the generic text has been trained on, so the
domain's documents make way: one that equals, nearly equals or shares a passage with a generic one is removed, and what
is left is divided into test, valid and train in this order. The study's files stay as they are.

Evaluation splits are as large as the study's, but at most a tenth (valid) and a fifth (test) of the documents:

    300 documents, the study has 60 and 100:   test 60, valid 30, train the rest that shares no passage with these
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speclm.data.contamination import PlacedTexts, trace_texts
from speclm.data.splits import SplitSettings, distinct_texts, free_texts
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, write_documents, write_json

FEWEST = 20  # documents, with which the test split has 4
_VALID_SHARE, _TEST_SHARE = 10, 5


def join_domain(
    name: str,
    documents: Sequence[Path],
    generic: Mapping[str, Path],
    settings: SplitSettings,
    seed: int,
    output: Path,
    report: Path,
) -> dict[str, Any]:
    """Write ``{output}/{test,valid,train}.jsonl.zst`` and the report.

    Args:
        documents: the domain's document files in order.
        generic: the study's splits of generic text, by their place ("generic/train", …).
        settings: the study's.

    Returns:
        The report: documents read; documents and characters of every split; removed documents by where they stood,
        where the one that is kept stands, and how they collided.

    Raises:
        UserError: fewer than `FEWEST` different documents; all stand in the generic text; none is left for training.
    """
    removed: Counter[tuple[str, str, str]] = Counter()
    pool = distinct_texts(name, documents, settings, seed, removed)
    read, found = len(pool) + removed.total(), len(pool)
    pool = free_texts(pool, name, _generic_texts(generic, settings), removed)
    where = ", ".join(map(str, documents[:2]))
    if found and not pool:
        raise UserError(
            f"all {found} documents stand in the generic text, or share passages with it: the models know them, and no "
            "measurement on them would mean anything",
            where=where,
            key="domain",
            remedy="give documents that the generic data set does not have",
        )
    if len(pool) < FEWEST:
        raise UserError(
            f"{name} has {len(pool)} different documents ({read} were read), fewer than {FEWEST}",
            where=where,
            key="domain",
            remedy="give more, or divide long ones: one file for each chapter or page, or lines of a .jsonl file",
        )
    settings = _fitting(settings, len(pool))
    sizes = {"test": settings.test_documents, "valid": settings.valid_documents, "train": None}
    placed = PlacedTexts(settings.similarity, settings.permutations)
    facts: dict[str, Any] = {"read": read, "splits": {}}
    for split, size in sizes.items():
        pool = free_texts(pool, name, placed, removed)
        if len(pool) < (size or 1):
            raise _nothing_left(name, split, where, removed, settings)
        part, pool = pool[:size], pool[len(pool) if size is None else size :]
        placed.add(f"{name}/{split}", [traces for _, traces in part], passages=True)
        write_documents(output / f"{split}.jsonl.zst", (document for document, _ in part))
        characters = sum(len(document["text"]) for document, _ in part)
        facts["splits"][f"{name}/{split}"] = {"documents": len(part), "characters": characters}
    facts["removed"] = [
        {"from": place, "kept_in": other, "how": how, "documents": count}
        for (place, other, how), count in sorted(removed.items())
    ]
    write_json(report, facts)
    return facts


def _generic_texts(generic: Mapping[str, Path], settings: SplitSettings) -> PlacedTexts:
    placed = PlacedTexts(settings.similarity, settings.permutations)
    for place, path in generic.items():
        texts = [document["text"] for document in read_documents(path)]
        placed.add(place, trace_texts(texts, settings.permutations, settings.passage_words), passages=True)
    return placed


def _fitting(settings: SplitSettings, documents: int) -> SplitSettings:
    """Evaluation splits that leave most of so many documents for training."""
    return replace(
        settings,
        valid_documents=min(settings.valid_documents, documents // _VALID_SHARE),
        test_documents=min(settings.test_documents, documents // _TEST_SHARE),
    )


def _nothing_left(
    name: str, split: str, where: str, removed: Counter[tuple[str, str, str]], settings: SplitSettings
) -> UserError:
    inside = sum(count for (_, kept, _), count in removed.items() if kept.startswith(f"{name}/"))
    return UserError(
        f"nothing is left for the {split} split: {inside} documents share {settings.passage_words} words in a row with "
        "a document of another split, as signatures, licences and page headers make them do",
        where=where,
        key="domain",
        remedy="take such passages out of the documents, or put documents that share them into one",
    )
