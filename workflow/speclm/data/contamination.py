"""Near-duplicates found, and the proof that splits share nothing.

A text's shingles are its runs of five words; two texts are near-duplicates when the Jaccard similarity of their shingle sets,
estimated by MinHash, reaches a threshold. Locality-sensitive hashing (the library datasketch) finds the candidates, so a text
is compared with a few others and not with all.

    "a b c d e f" and "a b c d e g"   shingles {abcde, bcdef} and {abcde, bcdeg}   similarity 1/3

After the token store is made, `check_separation` reads what the training will read and refuses to go on when any whole
document, or any token window of the context's length, stands in two splits.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
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

SHINGLE_WORDS = 5
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so multiplying by it loses nothing modulo 2^64


def sketch_texts(texts: Iterable[str], permutations: int) -> Iterator[LeanMinHash]:
    """The MinHash sketch of every text's shingles."""
    word_hashes: dict[str, int] = {}
    shingles = (shingle_hashes(text, word_hashes).tolist() for text in texts)
    for sketch in MinHash.generator(shingles, num_perm=permutations, hashfunc=int):
        yield LeanMinHash(sketch)


def shingle_hashes(text: str, word_hashes: dict[str, int]) -> np.ndarray[Any, Any]:
    """32-bit hashes of the runs of five words; a shorter text is one shingle.

    Args:
        word_hashes: filled with the hash of every word met, so that each is hashed once.

    Returns:
        uint32, (number of words - 4,) or (1,).
    """
    words = re.findall(r"\w+", text.casefold())
    hashes = np.empty(max(len(words), SHINGLE_WORDS), dtype=np.uint64)
    hashes[len(words) :] = 0
    for position, word in enumerate(words):
        if word not in word_hashes:
            word_hashes[word] = zlib.crc32(word.encode())
        hashes[position] = word_hashes[word]
    count = len(hashes) - SHINGLE_WORDS + 1
    shingles = np.zeros(count, dtype=np.uint64)
    for offset in range(SHINGLE_WORDS):
        shingles = shingles * _FACTOR + hashes[offset : offset + count]
    return ((shingles * _FACTOR) >> np.uint64(32)).astype(np.uint32)


class SimilarTexts:
    """The texts kept so far, searchable by similarity."""

    def __init__(self, threshold: float, permutations: int) -> None:
        self.threshold = threshold
        self._index = MinHashLSH(threshold=threshold, num_perm=permutations)
        self._sketches: dict[Any, LeanMinHash] = {}

    def add(self, key: Any, sketch: LeanMinHash) -> None:
        """Keep a text under `key`."""
        self._index.insert(key, sketch, check_duplication=False)
        self._sketches[key] = sketch

    def find(self, sketch: LeanMinHash) -> Any | None:
        """The key of the smallest kept text whose estimated similarity reaches the threshold, or None."""
        for key in sorted(self._index.query(sketch)):
            if sketch.jaccard(self._sketches[key]) >= self.threshold:
                return key
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
    windows = {name: _window_hashes(path) for name, path in stores.items()}
    texts = {name: _document_hashes(path) for name, path in documents.items()}
    for what, hashes in (("document", texts), ("window", windows)):
        for first, second in combinations(hashes, 2):
            shared = np.intersect1d(hashes[first], hashes[second])
            if len(shared):
                raise UserError(
                    f"{len(shared)} {what}s of {first} stand in {second} too",
                    where=documents[first],
                    key="splits.similarity",
                    remedy="lower splits.similarity so that more near-duplicates are removed, and run again",
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


def _window_hashes(path: Path) -> np.ndarray[Any, Any]:
    """64-bit hash of the T inputs of every window: uint64 (windows,)."""
    store = open_windows(path)
    windows_NT = store.tokens[: store.count * store.context].reshape(store.count, store.context)
    hashes = (int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little") for row in windows_NT)
    return np.fromiter(hashes, dtype=np.uint64, count=store.count)


def _document_hashes(path: Path) -> np.ndarray[Any, Any]:
    hashes = (int.from_bytes(same_text_key(document["text"])[:8], "little") for document in read_documents(path))
    return np.fromiter(hashes, dtype=np.uint64)
