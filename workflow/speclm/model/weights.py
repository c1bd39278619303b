"""Weights on disk: a safetensors file and readable JSON beside it.

A state dict and facts about it go in, `model.safetensors` and `model.json` come out, and back again. The JSON holds
the sha256 of the tensors, so that a damaged or exchanged file is never trusted, and is written after them: without
it there are no weights.

Example: save_weights(Path("b1000.safetensors"), model.state_dict(), tokens=1000) writes beside it b1000.json:
    {"meta": {"tokens": 1000}, "sha256": "9f86...", "tensors": 27}
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from speclm.stage.errors import UserError
from speclm.stage.files import atomic, read_json, sha256, write_json


def save_weights(path: Path, state: Mapping[str, Tensor], **meta: Any) -> None:
    """Write the tensors to `path`, and `meta` with their sha256 to the file of that name with the suffix .json."""
    write_tensors(path, state)
    write_json(_sidecar(path), {"meta": meta, "sha256": sha256(path), "tensors": len(state)})


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, on the CPU, and the facts saved with them.

    Raises UserError when a file is missing, damaged or not the one described.
    """
    sidecar = _sidecar(path)
    for file in (path, sidecar):
        if not file.is_file():
            raise UserError("weights are missing", where=file, remedy="run the stage that writes them again")
    facts = read_json(sidecar)
    if sha256(path) != facts["sha256"]:
        raise UserError(
            f"weights do not match the sha256 in {sidecar.name}",
            where=path,
            remedy="delete both files and run the stage that writes them again",
        )
    return load_file(path), facts["meta"]


def write_tensors(path: Path, state: Mapping[str, Tensor], **about: str) -> None:
    """Write the tensors sorted by name, and words about them, whole or not at all.

    Raises UserError when the disk is full or not writable.
    """
    tensors = {name: state[name].detach().cpu().contiguous() for name in sorted(state)}
    with atomic(path) as temporary:
        try:
            save_file(tensors, temporary, about or None)
        except SafetensorError as error:  # its own type even for a full disk, which `atomic` explains
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")
