"""The state of a training on disk, so that a killed one ends with the same bytes as one left alone.

A checkpoint is two files in the scratch folder: the tensors, and a readable state that names their checksum and is
written last, so that it stands only beside whole tensors:

    step00000200.safetensors    model.*, adam.*, best.*, random.*
    step00000200.json           {"sha256": "9f…", "state": {"step": 200, "order": 3200, …}}

Two are kept. If the newest is damaged, the one before is taken, and the log says so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from speclm.stage.errors import UserError
from speclm.stage.files import atomic, read_json, sha256, write_json
from speclm.stage.fingerprint import refuse_foreign

KEPT = 2
Tensors = dict[str, torch.Tensor]


def claim(scratch: Path, fingerprint: Mapping[str, Any]) -> None:
    """Make `scratch` the folder of the run with this fingerprint.

    Raises:
        UserError: the folder holds another run's work (the differing keys are named), or cannot be written.
    """
    path = scratch / "fingerprint.json"
    if path.exists():
        refuse_foreign(read_json(path), dict(fingerprint), scratch)
    else:
        write_json(path, dict(fingerprint))


class Checkpoints:
    """The checkpoints of one training in its scratch folder."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def save(self, step: int, tensors: Tensors, state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then remove all but the two newest."""
        path = self._scratch / f"step{step:08d}.safetensors"
        with atomic(path) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
            checksum = sha256(temporary)
        write_json(path.with_suffix(".json"), {"sha256": checksum, "state": dict(state)})
        for old in self._states()[KEPT:]:
            _remove(old)

    def load(self) -> tuple[Tensors, dict[str, Any]] | None:
        """The newest whole checkpoint's tensors and state, or None where there is none."""
        for leftover in self._scratch.glob(".*.part"):  # of a training killed while it wrote
            leftover.unlink()
        for path in self._states():
            try:
                record = read_json(path)
                tensors = path.with_suffix(".safetensors")
                if sha256(tensors) != record["sha256"]:
                    raise UserError("the checksum differs", where=tensors, remedy="the checkpoint before is taken")
            except (UserError, OSError, KeyError, TypeError) as error:
                logging.getLogger(__name__).warning("damaged checkpoint %s: taking the one before (%s)", path, error)
                _remove(path)
                continue
            return load_file(tensors), record["state"]
        return None

    @property
    def newest(self) -> Path | None:
        """Where the newest checkpoint lies, to name it to the user."""
        states = self._states()
        return states[0].with_suffix(".safetensors") if states else None

    def _states(self) -> list[Path]:
        return sorted(self._scratch.glob("step*.json"), reverse=True)


def _remove(state: Path) -> None:
    state.unlink()
    state.with_suffix(".safetensors").unlink(missing_ok=True)
