"""A domain that joins a finished study: its splits, against the generic text as it is.

In a study generic documents make way for a domain's (see `splits`). Here the generic text has been trained on, so the
domain's documents make way: one that equals, nearly equals or shares a passage with a generic one is removed, and what
is left is divided into test, valid and train in this order. The study's files stay as they are.

Evaluation splits are as large as the study's, but at most a tenth (valid) and a fifth (test) of the documents:

    300 documents, the study has 60 and 100:   test 60, valid 30, train the rest that shares no passage with these

The generic text is read once, in pieces that are compared with the domain one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.contamination import NOTHING, Found, PlacedTexts, nothing_found
from speclm.data.pool import Pool
from speclm.data.splits import (
    Removed,
    SplitSettings,
    distinct_texts,
    free_texts,
    open_corpus,
    removed_rows,
    write_texts,
)
from speclm.data.text import together
from speclm.data.traces import trace_texts
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, write_json

Array = np.ndarray[Any, Any]
FEWEST = 20  # documents, with which the test split has 4
_VALID_SHARE, _TEST_SHARE = 10, 5
_PIECE = 1 << 25  # characters of generic text: bounds memory


def join_domain(
    name: str,
    documents: Sequence[Path],
    generic: Mapping[str, Sequence[Path]],
    settings: SplitSettings,
    seed: int,
    output: Path,
    report: Path,
    scratch: Path,
) -> dict[str, Any]:
    """Write ``{output}/{test,valid,train}.jsonl.zst`` and the report.

    Args:
        documents: the domain's document files in order.
        generic: the files of the study's splits of generic text, by their place ("generic/train", …).
        settings: the study's.

    Returns:
        The report: documents read; documents and characters of every split; removed documents by where they stood,
        where the one that is kept stands, and how they collided.

    Raises:
        UserError: fewer than `FEWEST` different documents; all stand in the generic text; none is left for training.
    """
    removed: Removed = Counter()
    where = ", ".join(map(str, documents[:2]))
    with open_corpus(name, documents, settings, seed, scratch) as pool:
        distinct = distinct_texts(pool, name, settings, removed)
        found = _compare(pool, distinct, generic, settings, scratch / "piece")
        removed.update(found.count(name, list(generic)))
        left = distinct[found.kinds == NOTHING]
        if len(distinct) and not len(left):
            raise UserError(
                f"all {len(distinct)} documents stand in the generic text, or share passages with it: the models know "
                "them, and no measurement on them would mean anything",
                where=where,
                key="domain",
                remedy="give documents that the generic data set does not have",
            )
        if len(left) < FEWEST:
            raise UserError(
                f"{name} has {len(left)} different documents ({len(pool)} were read), fewer than {FEWEST}",
                where=where,
                key="domain",
                remedy="give more, or divide long ones: one file for each chapter or page, or lines of a .jsonl file",
            )
        settings = _fitting(settings, len(left))
        sizes = {"test": settings.test_documents, "valid": settings.valid_documents, "train": None}
        placed = PlacedTexts(settings.similarity, settings.permutations, scratch / "placed")
        facts: dict[str, Any] = {"read": len(pool), "splits": {}}
        for split, size in sizes.items():
            left = free_texts(pool, left, name, placed, removed)
            if len(left) < (size or 1):
                raise _nothing_left(name, split, where, removed, settings)
            place = f"{name}/{split}"
            placed.add(place, pool.traces(left[:size]))
            facts["splits"][place] = write_texts(pool, left[:size], output / f"{split}.jsonl.zst")
            left = left[size:]
    facts["removed"] = removed_rows(removed)
    write_json(report, facts)
    return facts


def _compare(
    pool: Pool, numbers: Array, generic: Mapping[str, Sequence[Path]], settings: SplitSettings, scratch: Path
) -> Found:
    """What of the generic text the numbered texts collide with."""
    found = nothing_found(len(numbers))
    for place, paths in enumerate(generic.values()):
        for texts in together((text for path in paths for text in _texts(path)), _PIECE):
            placed = PlacedTexts(settings.similarity, settings.permutations, scratch)
            placed.add("generic", trace_texts(texts, settings.permutations, settings.passage_words))
            here = placed.find(pool.traces(numbers))
            found = found.first(Found(here.kinds, np.full(len(numbers), place)))
    return found


def _texts(path: Path) -> Iterator[str]:
    return (document["text"] for document in read_documents(path))


def _fitting(settings: SplitSettings, documents: int) -> SplitSettings:
    """Evaluation splits that leave most of so many documents for training."""
    return replace(
        settings,
        valid_documents=min(settings.valid_documents, documents // _VALID_SHARE),
        test_documents=min(settings.test_documents, documents // _TEST_SHARE),
    )


def _nothing_left(name: str, split: str, where: str, removed: Removed, settings: SplitSettings) -> UserError:
    inside = sum(count for (_, kept, _), count in removed.items() if kept.startswith(f"{name}/"))
    return UserError(
        f"nothing is left for the {split} split: {inside} documents share {settings.passage_words} words in a row with "
        "a document of another split, as signatures, licences and page headers make them do",
        where=where,
        key="domain",
        remedy="take such passages out of the documents, or put documents that share them into one",
    )
