"""A table on a disk: a safetensors file with a trie, and readable JSON beside it.

Of every level the probabilities; below the full length also the back-off weights and where each n-gram's continuations
begin in the next level; above the first the last token of each n-gram. The file takes the table's `bytes`, and a few
hundred that name its parts.

    level 2: (0 1) (0 2) (2 1)  ->  1.places 0 2 2, 2.tokens 1 2 1
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from speclm.ngram.table import Level, Table
from speclm.stage.errors import UserError
from speclm.stage.files import atomic, read_json, sha256, write_json


def save_table(path: Path, table: Table, **meta: Any) -> None:
    """Write the table to `path`, and `meta` with its checksum to the file of that name with the suffix .json."""
    parts = {}
    token = np.uint16 if table.vocabulary <= 1 << 16 else np.uint32
    for length, level in enumerate(table.levels, start=1):
        parts[f"{length}.probabilities"] = level.probabilities
        if length > 1:
            parts[f"{length}.tokens"] = (level.keys % table.vocabulary).astype(token)
        if length < len(table.levels):
            contexts = np.arange(len(level.keys)) * table.vocabulary
            parts[f"{length}.backoffs"] = level.backoffs
            parts[f"{length}.places"] = np.searchsorted(table.levels[length].keys, contexts).astype(np.uint32)
    with atomic(path) as temporary:
        save_file(parts, temporary)
    write_json(path.with_suffix(".json"), {"meta": meta, "sha256": sha256(path), "bytes": table.bytes})


def load_table(path: Path) -> tuple[Table, dict[str, Any]]:
    """A table, and the facts saved with it.

    Raises:
        UserError: it is missing or damaged.
    """
    sidecar, remedy = path.with_suffix(".json"), "delete its folder and run again: its stage makes it anew"
    if not (path.is_file() and sidecar.is_file()):
        raise UserError("is not there, or not whole", where=path, remedy=remedy)
    facts = read_json(sidecar)
    if sha256(path) != facts["sha256"]:
        raise UserError(f"is damaged: its checksum is not the one in {sidecar.name}", where=path, remedy=remedy)
    parts = load_file(path)
    vocabulary = len(parts["1.probabilities"])
    keys = np.arange(vocabulary)
    levels = []
    for length in range(1, 1 + sum(name.endswith(".probabilities") for name in parts)):
        probabilities = parts[f"{length}.probabilities"]
        if length > 1:
            begins = np.append(parts[f"{length - 1}.places"].astype(np.int64), len(probabilities))
            contexts = np.repeat(np.arange(len(keys)), begins[1:] - begins[:-1])
            keys = contexts * vocabulary + parts[f"{length}.tokens"]
        levels.append(Level(keys, probabilities, parts.get(f"{length}.backoffs", np.ones_like(probabilities))))
    return Table(vocabulary, levels), facts["meta"]
