"""What two splits may not share, how it is found, and the proof that it is gone.

A text's words are its runs of ASCII letters and digits, its runs of ASCII marks, and every other character by itself
(such a one takes up to four tokens). Two texts collide when they are

    exact     equal up to case and white space;
    near      similar: the Jaccard similarity of their sets of five-word runs, by MinHash, reaches a threshold;
    passage   overlapping: they share one run of `passage_words` words, however long the texts are.

Locality-sensitive hashing (the library datasketch) finds candidates for the second, a sorted array of hashes the third.

    "a b c d e f" and "a b c d e g"   five-word runs {abcde, bcdef} and {abcde, bcdeg}   similarity 1/3

After the token store is made, `check_separation` reads what the training will read and refuses to go on when any whole
document, or any token window of the context's length, stands in two splits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import LeanMinHash, MinHash, MinHashLSH

from speclm.data.text import same_text_key
from speclm.data.windows import open_windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents

Array = np.ndarray[Any, Any]
SHINGLE_WORDS = 5


@dataclass(frozen=True)
class Traces:
    """What of a text is compared: its key, the sketch of its five-word runs, and hashes of its long runs (uint64)."""

    key: bytes
    sketch: LeanMinHash
    passages: Array


def trace_texts(texts: Sequence[str], permutations: int, passage_words: int) -> list[Traces]:
    """The traces of every text."""
    hashes, ends = hash_words(texts)
    shingles, passages = run_hashes(hashes, SHINGLE_WORDS), run_hashes(hashes, passage_words)
    starts = [0, *ends[:-1]]

    def runs(values: Array, words: int) -> Iterable[Array]:
        return (values[start : max(start, end - words + 1)] for start, end in zip(starts, ends, strict=True))

    # A text shorter than one shingle is compared by its words.
    sets = (
        (run if len(run) else hashes[start:end]) >> np.uint64(32)
        for run, start, end in zip(runs(shingles, SHINGLE_WORDS), starts, ends, strict=True)
    )
    sketches = MinHash.generator((values.tolist() for values in sets), num_perm=permutations, hashfunc=int)
    return [
        Traces(same_text_key(text), LeanMinHash(sketch), np.unique(passage))
        for text, sketch, passage in zip(texts, sketches, runs(passages, passage_words), strict=True)
    ]


def hash_words(texts: Sequence[str]) -> tuple[Array, list[int]]:
    """The 64-bit hashes of all words of all texts, one after the other, and where each text ends."""
    pattern = re.compile(r"[a-z0-9_]+|[!-/:-@\[-^`{-~]+|\S")
    numbers: dict[str, int] = {}
    words, ends = [], []
    for text in texts:
        words += [numbers.setdefault(word, len(numbers)) for word in pattern.findall(text.casefold())]
        ends.append(len(words))
    digests = b"".join(blake2b(word.encode(), digest_size=8).digest() for word in numbers)
    return np.frombuffer(digests, dtype="<u8")[np.array(words, dtype=np.int64)], ends


def run_hashes(hashes: Array, words: int) -> Array:
    """The hash of the run of `words` words that begins at each position: uint64, len(hashes) - words + 1."""
    count = max(0, len(hashes) - words + 1)
    runs = np.zeros(count, dtype=np.uint64)
    for offset in range(words):
        runs *= np.uint64(0x9E3779B97F4A7C15)  # odd, so nothing is lost modulo 2^64
        runs += hashes[offset : offset + count]
        runs ^= runs >> np.uint64(29)
    return runs


class PlacedTexts:
    """The texts that have a place so far; tells which of them another text collides with."""

    def __init__(self, similarity: float, permutations: int) -> None:
        self.similarity = similarity
        self._keys: dict[bytes, str] = {}
        self._index = MinHashLSH(threshold=similarity, num_perm=permutations)
        self._sketches: dict[int, tuple[str, LeanMinHash]] = {}
        self._passages = np.empty(0, dtype=np.uint64)
        self._passage_places = np.empty(0, dtype=np.int64)
        self._places: list[str] = []

    def add(self, place: str, traces: Sequence[Traces], passages: bool) -> None:
        """Give texts their place; with `passages`, other texts collide with them by a passage too."""
        for trace in traces:
            self._keys[trace.key] = place
            number = len(self._sketches)
            self._index.insert(number, trace.sketch, check_duplication=False)
            self._sketches[number] = (place, trace.sketch)
        if passages and traces:
            new = np.concatenate([trace.passages for trace in traces])
            values = np.concatenate([self._passages, new])
            places = np.concatenate([self._passage_places, np.full(len(new), len(self._places))])
            self._places.append(place)
            self._passages, first = np.unique(values, return_index=True)
            self._passage_places = places[first]

    def find(self, trace: Traces) -> tuple[str, str] | None:
        """(place, "exact" or "near" or "passage") of a placed text that this one collides with, or None."""
        if trace.key in self._keys:
            return self._keys[trace.key], "exact"
        for number in sorted(self._index.query(trace.sketch)):
            place, sketch = self._sketches[number]
            if trace.sketch.jaccard(sketch) >= self.similarity:
                return place, "near"
        if len(self._passages):
            nearest = np.searchsorted(self._passages, trace.passages).clip(max=len(self._passages) - 1)
            hits = nearest[self._passages[nearest] == trace.passages]
            if len(hits):
                return self._places[int(self._passage_places[hits].min())], "passage"
        return None


def check_separation(stores: Mapping[str, Path], documents: Mapping[str, Path]) -> dict[str, Any]:
    """Prove that no document and no token window stands in two splits.

    Args:
        stores: token stores by the split's name ("generic/train", "sympy/test", …).
        documents: document files by the same names.

    Returns:
        For each split its windows and documents and how many of them are different ones; zeros as shared counts.

    Raises:
        UserError: two splits share a document or a window.
    """
    texts = {name: _document_hashes(path) for name, path in documents.items()}
    windows = {name: _window_hashes(path) for name, path in stores.items()}
    for what, hashes in (("document", texts), ("window", windows)):
        for first, second in combinations(hashes, 2):
            shared = np.intersect1d(hashes[first], hashes[second])
            if len(shared):
                raise UserError(
                    f"{len(shared)} {what}s of {first} stand in {second} too",
                    where=documents[first],
                    key="documents.passage_words",
                    remedy="lower documents.passage_words, so that documents with shorter common passages are removed",
                )
    return {
        "shared_documents": 0,
        "shared_windows": 0,
        "splits": {
            name: {
                "documents": len(texts[name]),
                "different_documents": len(np.unique(texts[name])),
                "windows": len(windows[name]),
                "different_windows": len(np.unique(windows[name])),
            }
            for name in stores
        },
    }


def _window_hashes(path: Path) -> Array:
    """64-bit hash of the T inputs of every window: uint64 (windows,)."""
    store = open_windows(path)
    windows_NT = store.tokens[: store.count * store.context].reshape(store.count, store.context)
    hashes = (int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little") for row in windows_NT)
    return np.fromiter(hashes, dtype=np.uint64, count=store.count)


def _document_hashes(path: Path) -> Array:
    hashes = (int.from_bytes(same_text_key(document["text"])[:8], "little") for document in read_documents(path))
    return np.fromiter(hashes, dtype=np.uint64)
