"""The journal of a training: one JSON object per line, cut back to the resumed step when a training goes on.

    {"step": 20, "tokens": 40960, "loss": 6.91, "learning_rate": 0.0002, "gradient_norm": 1.3, "validation": 6.88}

Every line reaches the file at once, so that a training can be watched; `commit` forces all to disk, for a checkpoint.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from speclm.stage.errors import UserError
from speclm.stage.files import unwritable


class Journal:
    """Lines appended to `path`, of which the first `size` bytes are known to be on disk.

    Raises:
        UserError: the file is shorter than `size`, or (in all methods) cannot be written.
    """

    def __init__(self, path: Path, size: int) -> None:
        if size and (not path.exists() or path.stat().st_size < size):
            raise UserError(
                "is shorter than the checkpoint beside it says", where=path, remedy="delete this folder and run again"
            )
        self._path = path
        with self._opened() as file:
            file.truncate(size)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one line."""
        line = json.dumps(record, allow_nan=False).encode() + b"\n"
        with self._opened() as file:
            file.write(line)

    def commit(self) -> int:
        """Force everything to disk and return the size in bytes."""
        with self._opened() as file:
            os.fsync(file.fileno())
            return file.seek(0, os.SEEK_END)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with self._path.open("ab") as file:
                yield file
        except OSError as error:
            raise unwritable(self._path, error) from error
