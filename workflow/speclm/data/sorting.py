"""The different values of an array that is larger than memory, in order, by way of the disk.

Values come in blocks. They are first divided by size into files, each of which fits into memory; then every file is
sorted and freed of repetitions by itself. Read one after the other the files are the sorted whole:

    blocks 7 1 | 5 7, files for 0..3 and 4..7   ->   1 | 7 5 7   ->   1 | 5 7
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
FILES = 64  # up to some billions of values


def sort_unique(blocks: Iterable[Array], folder: Path) -> dict[Path, int]:
    """Sort uint64 values into files of `folder`.

    Returns:
        The files in order, as raw uint64, with the number of values in each.
    """
    paths = [folder / f"{number:02d}" for number in range(FILES)]
    firsts = np.arange(1, FILES, dtype=np.uint64) << np.uint64(64 - 6)
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for block in blocks:
            values = np.sort(block)
            for file, part in zip(files, np.split(values, np.searchsorted(values, firsts)), strict=True):
                file.write(part.tobytes())
    return {path: _sort_file(path) for path in paths}


def _sort_file(path: Path) -> int:
    values = np.unique(np.fromfile(path, dtype=np.uint64))
    values.tofile(path)
    return len(values)
