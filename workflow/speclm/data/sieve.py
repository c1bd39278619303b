"""Keeps out of a store whole windows that other splits are measured by.

Splits share no passage of so many words (see `contamination`). What a window of tokens holds may be fewer words: a long
line of signs, or a script that the tokenizer does not know, where a letter is two tokens. So while a split is encoded,
a document goes with which the stream would hold a window of one of these splits, at whatever place:

    windows of the test split 0 1 2 | 3 4 5;   documents  7 8, 1 3 4 5, 6   ->   7 8, 6

In: encoded documents, one after the other; out: those that stay. 64-bit hashes of runs of T tokens are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.windows import open_windows

Array = np.ndarray[Any, Any]
Encoded = tuple[Array, int, int]  # tokens, characters, bytes
_TOGETHER = 1 << 18  # tokens that are compared at once: bounds memory, changes no result
_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)  # odd, so nothing is lost modulo 2^64


class Sieve:
    """Lets documents pass that complete no window of some stores.

    Attributes:
        left_out: how many did not pass so far.
    """

    def __init__(self, stores: Sequence[Path], context: int) -> None:
        self._context = context
        self._hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *map(_window_hashes, stores)]))
        self._tail = np.empty(0, dtype=np.int64)  # of what has passed: less than a window
        self.left_out = 0

    def passing(self, documents: Iterable[Encoded]) -> Iterator[Encoded]:
        """Those of the documents that pass."""
        if not len(self._hashes):
            yield from documents
            return
        for block in _blocks(documents):
            if self._take(np.concatenate([tokens for tokens, _, _ in block])):
                yield from block
                continue
            for document in block:
                if self._take(document[0]):
                    yield document
                else:
                    self.left_out += 1

    def _take(self, tokens: Array) -> bool:
        """Whether the tokens can follow what has passed; if so, they have."""
        stream = np.concatenate([self._tail, tokens])
        hashes = run_hashes(stream, self._context)
        nearest = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        if (self._hashes[nearest] == hashes).any():
            return False
        self._tail = stream[max(0, len(stream) - self._context + 1) :]
        return True


def run_hashes(tokens: Array, length: int) -> Array:
    """The hash of the run of so many tokens that begins at each place: uint64, one less than `length` fewer.

    Runs of 2, 4, 8, … are put together of two halves, so that a run of 1,024 takes ten steps.
    """
    count = max(0, len(tokens) - length + 1)
    powers = (tokens.astype(np.uint64) + np.uint64(1)) * _FACTORS[1]
    powers ^= powers >> np.uint64(32)
    runs, done = np.zeros(count, dtype=np.uint64), 0
    for power in (1 << bit for bit in range(length.bit_length()) if count):
        if power > 1:
            powers = _joined(powers[: -power // 2], powers[power // 2 :])
        if length & power:
            runs = _joined(runs, powers[done : done + count])
            done += power
    return runs


def _joined(first: Array, second: Array) -> Array:
    """The hashes of runs of which each is one followed by another."""
    joined: Array = first * _FACTORS[0] + second
    joined ^= joined >> np.uint64(29)
    joined *= _FACTORS[1]
    return joined


def _window_hashes(store: Path) -> Array:
    """Of the T inputs of each whole window of a store."""
    windows = open_windows(store)
    hashes = run_hashes(windows.tokens[: windows.count * windows.context], windows.context)
    return hashes[:: windows.context]


def _blocks(documents: Iterable[Encoded]) -> Iterator[list[Encoded]]:
    block, size = list[Encoded](), 0
    for document in documents:
        block.append(document)
        size += len(document[0])
        if size >= _TOGETHER:
            yield block
            block, size = [], 0
    if block:
        yield block
