"""The state of a training on disk, so that a killed one ends with the same bytes as one left alone.

A checkpoint is two files in the scratch folder: the tensors, and a readable state that names their checksum (and has
one itself) and is written last, so that it stands only beside whole tensors:

    step00000200.safetensors    model.*, adam.*, best.*, random.*
    step00000200.json           {"state": {"step": 200, "order": 3200, …}, "tensors": "9f…", "hash": "4c…"}

Two are kept. If the newest is damaged, the one before is taken, and without that the training begins anew; the log
says so.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from speclm.model.weights import write_tensors
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, sha256, write_json
from speclm.stage.fingerprint import refuse_foreign, short_hash

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
        write_tensors(path, tensors)
        record = {"state": dict(state), "tensors": sha256(path)}
        write_json(path.with_suffix(".json"), {**record, "hash": short_hash(record)})
        for old in self._states()[KEPT:]:
            _remove(old)

    def load(self) -> tuple[Tensors, dict[str, Any]] | None:
        """The newest whole checkpoint's tensors and state, or None where there is none."""
        self._sweep()
        log, states = logging.getLogger(__name__), self._states()
        for path in states:
            try:
                return _read(path)
            except (UserError, FileNotFoundError, KeyError, TypeError) as error:
                log.warning("damaged checkpoint %s: taking the one before (%s)", path, error)
                _remove(path)
        if states:
            log.warning("no whole checkpoint in %s: beginning anew", self._scratch)
        return None

    def read(self, step: int) -> tuple[Tensors, dict[str, Any]]:
        """The tensors and state of the checkpoint of this step, which is known to be whole."""
        return _read(self._scratch / f"step{step:08d}.json")

    @property
    def newest(self) -> Path | None:
        """Where the newest checkpoint lies, to name it to the user."""
        states = self._states()
        return states[0].with_suffix(".safetensors") if states else None

    def _sweep(self) -> None:
        """Remove what a training left that was killed while it wrote or removed a checkpoint."""
        for folder in self._scratch.glob(".*.part"):
            shutil.rmtree(folder)
        for tensors in self._scratch.glob("step*.safetensors"):
            if not tensors.with_suffix(".json").exists():
                tensors.unlink()

    def _states(self) -> list[Path]:
        return sorted(self._scratch.glob("step*.json"), reverse=True)


def _read(path: Path) -> tuple[Tensors, dict[str, Any]]:
    record, tensors = read_json(path), path.with_suffix(".safetensors")
    if short_hash({"state": record["state"], "tensors": record["tensors"]}) != record["hash"]:
        raise UserError("the state is not the one that was written", where=path, remedy="none is needed")
    if sha256(tensors) != record["tensors"]:
        raise UserError("the checksum differs", where=tensors, remedy="none is needed")
    return load_file(tensors), record["state"]


def _remove(state: Path) -> None:
    state.unlink()
    state.with_suffix(".safetensors").unlink(missing_ok=True)
