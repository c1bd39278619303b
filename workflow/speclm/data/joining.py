"""A domain that joins a finished study: its splits, against the generic text as it is.

In a study generic documents make way for a domain's (see `splits`). Here the generic text has been trained on, so the
domain's documents make way: one that equals, nearly equals or shares a passage with a generic one is removed, and what
is left is divided into test, valid and train in this order. The study's files stay as they are.

Evaluation splits are as large as the study's, but at most a tenth (valid) and a fifth (test) of the documents:

    300 documents, the study has 60 and 100:   test 60, valid 30, train the rest that shares no passage with these

Each file of generic text is compared by itself (`compare_domain`, in any order), in pieces; `join_domain` then divides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.contamination import NOTHING, Found, PlacedTexts, nothing_found
from speclm.data.names import GENERIC
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
from speclm.data.traces import trace_texts, word_unit
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, read_documents, write_array, write_json

Array = np.ndarray[Any, Any]
FEWEST = 20  # documents, with which the test split has 4
_VALID_SHARE, _TEST_SHARE = 10, 5
_LOOKED_AT = 100  # documents, for how their words are divided
_PIECE = 1 << 25  # characters of generic text: bounds memory


def compare_domain(
    name: str,
    documents: Sequence[Path],
    generic: Path,
    settings: SplitSettings,
    seed: int,
    output: Path,
    scratch: Path,
) -> dict[str, int]:
    """Write by which of `KINDS` each different document of a domain collides with a file of generic text, or `NOTHING`:
    uint8, in shuffled order.

    Returns:
        How many different documents there are, and how many of them collide.
    """
    with open_corpus(name, documents, settings, seed, scratch) as pool:
        traces = pool.traces(distinct_texts(pool, name, settings, Counter()))
        found = nothing_found(len(traces))
        for texts in together((document["text"] for document in read_documents(generic)), _PIECE):
            placed = PlacedTexts(settings.similarity, settings.permutations, scratch / "piece")
            placed.add(GENERIC, trace_texts(texts, settings.permutations, settings.passage_words))
            found = found.first(placed.find(traces))
    write_array(output, found.kinds.astype(np.uint8), generic=str(generic))
    return {"documents": len(traces), "collide": int(np.count_nonzero(found.kinds != NOTHING))}


def join_domain(
    name: str,
    documents: Sequence[Path],
    collisions: Mapping[str, Sequence[Path]],
    settings: SplitSettings,
    seed: int,
    output: Path,
    report: Path,
    scratch: Path,
) -> dict[str, Any]:
    """Write ``{output}/{test,valid,train}.jsonl.zst`` and the report.

    Args:
        documents: the domain's document files in order.
        collisions: what `compare_domain` wrote of the study's splits of generic text, by their place ("generic/train",
            …).
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
        found = nothing_found(len(distinct))
        for number, kinds_N in _by_place(collisions):
            found = found.first(Found(kinds_N, np.full(len(distinct), number)))
        removed.update(found.count(name, list(collisions)))
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
                raise _nothing_left(name, split, where, removed, settings, pool)
            place = f"{name}/{split}"
            placed.add(place, pool.traces(left[:size]))
            facts["splits"][place] = write_texts(pool, left[:size], output / f"{split}.jsonl.zst")
            left = left[size:]
    facts["removed"] = removed_rows(removed)
    write_json(report, facts)
    return facts


def _by_place(collisions: Mapping[str, Sequence[Path]]) -> Iterator[tuple[int, Array]]:
    return ((place, read_array(path)) for place, paths in enumerate(collisions.values()) for path in paths)


def _fitting(settings: SplitSettings, documents: int) -> SplitSettings:
    """Evaluation splits that leave most of so many documents for training."""
    return replace(
        settings,
        valid_documents=min(settings.valid_documents, documents // _VALID_SHARE),
        test_documents=min(settings.test_documents, documents // _TEST_SHARE),
    )


def _nothing_left(
    name: str, split: str, where: str, removed: Removed, settings: SplitSettings, pool: Pool
) -> UserError:
    unit = word_unit([document["text"] for document in pool.documents(np.arange(min(_LOOKED_AT, len(pool))))])
    inside = sum(count for (_, kept, _), count in removed.items() if kept.startswith(f"{name}/"))
    return UserError(
        f"nothing is left for the {split} split: {inside} documents share {settings.passage_words} {unit} in a row "
        "with a document of another split, as signatures, licences and page headers make them do",
        where=where,
        key="domain",
        remedy="take such passages out of the documents, or put documents that share them into one (a larger "
        "documents.passage_words lets them stand, but the whole study is then made anew)",
    )
