"""The journal of a training: one JSON object per line, cut back to the resumed step when a training goes on.

{"step": 20, "tokens": 40960, "loss": 6.91, "learning_rate": 0.0002, "gradient_norm": 1.3, "validation": 6.88}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError


class Journal:
    """Lines appended to `path`, of which the first `size` bytes are known to be on disk."""

    def __init__(self, path: Path, size: int) -> None:
        if size and (not path.exists() or path.stat().st_size < size):
            raise UserError(
                "is shorter than the checkpoint beside it says", where=path, remedy="delete this folder and run again"
            )
        self._file = path.open("ab")
        self._file.truncate(size)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one line."""
        self._file.write(json.dumps(record, allow_nan=False).encode() + b"\n")

    def commit(self) -> int:
        """Force everything to disk and return the size in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """End the journal."""
        self._file.close()
