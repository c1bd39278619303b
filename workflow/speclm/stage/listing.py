"""A list that stands for its files: the shards of a corpus are one input to a stage that reads them all.

Hundreds of trainings read C4's 1,024 shards; a plan in which each names each would be made in minutes.

    tokens/generic/train.json   {"files": ["train/00000.bin", …], "sha256": ["9f…", …]}

The list holds the files' checksums, so that it changes when one of them does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, write_json
from speclm.stage.fingerprint import checksum


def write_list(files: Sequence[Path], output: Path) -> dict[str, int]:
    """Write the list of files, in order, by their places from it; how many they are."""
    names = [Path(os.path.relpath(file, output.parent)).as_posix() for file in files]
    write_json(output, {"files": names, "sha256": [checksum(file) for file in files]})
    return {"files": len(names)}


def read_list(path: Path) -> list[Path]:
    """The files that a list (.json) names; of any other file itself.

    Raises:
        UserError: one of them is not there.
    """
    files = [path.parent / name for name in read_json(path)["files"]] if path.suffix == ".json" else [path]
    for file in files:
        if not file.exists():
            raise UserError("is missing", where=file, remedy=f"delete {path} too and run again: all is made anew")
    return files
