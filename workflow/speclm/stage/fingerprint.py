"""What makes two runs of a stage the same run: its settings, its revision, and its inputs' contents.

Scratch folders are named by the fingerprint, and a checkpoint carries it: work of another configuration is
never continued. A large input is not read again: the checksum in its sidecar stands for it.

    fingerprint({"layers": 4}, revision=1, inputs={"tokens": Path("train.bin")})
    -> {"settings.layers": 4, "revision": 1, "inputs.tokens": "sha256:9f…"}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, sha256

Fingerprint = dict[str, Any]


def fingerprint(settings: Mapping[str, Any], revision: int, inputs: Mapping[str, Path | list[Path]]) -> Fingerprint:
    """A flat, readable mapping; inputs stand in it by the SHA-256 of their contents."""
    flat: Fingerprint = {"revision": revision}
    flat.update(_flatten("settings", settings))
    flat.update({f"inputs.{name}": f"sha256:{checksum(path)}" for name, path in each(inputs)})
    return flat


def each(files: Mapping[str, Path | list[Path]]) -> Iterator[tuple[str, Path]]:
    """Every file with a name of its own: "train", or "documents.0", "documents.1", … where one stands for several."""
    for name, paths in files.items():
        if isinstance(paths, list):
            yield from ((f"{name}.{index}", path) for index, path in enumerate(paths))
        else:
            yield name, paths


def checksum(path: Path) -> str:
    """SHA-256 of a file's or a folder's contents: that of its sidecar where it has one."""
    sidecar = Path(f"{path}.json")
    return str(read_json(sidecar)["sha256"]) if sidecar.exists() else sha256(path)


def short_hash(value: Fingerprint) -> str:
    """Sixteen hexadecimal digits that name the fingerprint, for folder names."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def refuse_foreign(found: Fingerprint, expected: Fingerprint, where: Path) -> None:
    """Raise `UserError` naming the differing keys unless both fingerprints agree."""
    differing = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    if differing:
        shown = "; ".join(f"{key}: {found.get(key)} there, {expected.get(key)} here" for key in differing[:5])
        raise UserError(
            f"belongs to another run ({shown})",
            where=where,
            remedy="delete this folder, or restore the settings it was made with",
        )


def _flatten(prefix: str, value: Any) -> Fingerprint:
    if isinstance(value, Mapping):
        return {k: v for key, item in value.items() for k, v in _flatten(f"{prefix}.{key}", item).items()}
    return {prefix: value}
