"""The passages of many texts in the order of their hashes, in memory or by way of the disk.

They are divided by hash into ranges of equal width, and each is sorted by itself. Two sides are compared range by
range, each of which is read once, so that neither side is ever in memory whole. A range is a pair of arrays: its hashes
in order, uint64, and the number of the text that each is of.

    hashes 7 1 5 of text 0, 7 of text 1; ranges of 0..3 and 4..7   ->   1 of 0 | 5 of 0, 7 of 0, 7 of 1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Range = tuple[Array, Array]
RANGES = 64  # of a C4 shard's some hundred million passages two million each


def passages_in_memory(hashes: Array, texts: Array) -> list[Range]:
    """The ranges of passages with these hashes, of the texts with these numbers."""
    order = np.argsort(hashes)
    hashes, texts = hashes[order], texts[order]
    cuts = range_starts(hashes)
    return list(zip(np.split(hashes, cuts), np.split(texts, cuts), strict=True))


def range_starts(hashes: Array) -> Array:
    """Where each range but the first starts in sorted hashes: int64 (RANGES - 1,)."""
    firsts = np.arange(1, RANGES, dtype=np.uint64) * np.uint64(2**64 // RANGES)
    starts: Array = np.searchsorted(hashes, firsts)
    return starts


def write_passages(parts: Iterable[Iterable[Range]], folder: Path) -> None:
    """Write the passages of parts of a corpus, a file for each range; a killed job may have left some there."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in _files(folder)]
        for part in parts:
            for file, (hashes, texts) in zip(files, part, strict=True):
                records = np.empty(len(hashes), dtype=_RECORD)
                records["hash"], records["text"] = hashes, texts
                file.write(records.tobytes())
    for path in _files(folder):
        records = np.fromfile(path, dtype=_RECORD)
        path.write_bytes(records[np.argsort(records["hash"])].tobytes())


@dataclass(frozen=True)
class PassagesOnDisk:
    """What `write_passages` wrote, of the texts with these ascending numbers, which are counted from 0 anew."""

    folder: Path
    numbers: Array

    def __iter__(self) -> Iterator[Range]:
        for path in _files(self.folder):
            records = np.fromfile(path, dtype=_RECORD)
            texts = np.searchsorted(self.numbers, records["text"])
            kept = np.append(self.numbers, -1)[texts] == records["text"]
            yield records["hash"][kept], texts[kept]


_RECORD = np.dtype([("hash", "<u8"), ("text", "<u4")])


def _files(folder: Path) -> list[Path]:
    return [folder / f"{number:02d}" for number in range(RANGES)]
