"""The record that a stage leaves: enough to trace a number back to settings, inputs, code and machine.

{"stage": "encode_split", "wildcards": {"corpus": "sympy", "split": "test"}, "revision": 1,
 "settings": {"context": 128}, "seeds": {"seed": 17},
 "inputs": [{"name": "tokenizer", "path": "results/…/tokenizer.model", "sha256": "9f…"}, …],
 "outputs": [{"name": "tokens", "path": "results/…/test.bin", "sha256": "4c…"}, …],
 "fingerprint": {"revision": 1, "settings.context": 128, "inputs.tokenizer": "sha256:9f…"}, "started": "2026-…",
 "seconds": 12.3, "commit": "4c1e…", "dirty": false, "host": "node7", "device": "Xeon …", "processor": "Xeon …",
 "allocator": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", …}, "python": "3.11.7", "versions": {"torch": "2.13.0"}}

`speclm.stage.provenance` reads these records.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from speclm.stage import allocator
from speclm.stage.fingerprint import Fingerprint, checksum, each


def describe(
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    fingerprint: Fingerprint,
    started: float,
) -> dict[str, Any]:
    """Everything about a finished stage but its name and its facts. `started` is in seconds since the epoch."""
    sums = {name: str(fingerprint[f"inputs.{name}"]).removeprefix("sha256:") for name, _ in each(inputs)}
    return {
        "settings": dict(settings),
        "seeds": {
            key.removeprefix("settings.").removeprefix("wildcards."): int(value)
            for key, value in fingerprint.items()
            if key.rpartition(".")[2] == "seed"
        },
        "inputs": [{"name": name, "path": _relative(path), "sha256": sums[name]} for name, path in each(inputs)],
        "outputs": [{"name": name, "path": _relative(path), "sha256": checksum(path)} for name, path in each(outputs)],
        "fingerprint": fingerprint,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
        "seconds": round(time.time() - started, 3),
        **commit(),
        "host": platform.node(),
        "device": device_name(settings.get("engine", settings).get("device", "cpu")),
        "processor": processor(),
        "allocator": {name: os.environ.get(name) for name in allocator.environment()},
        "python": platform.python_version(),
        "versions": {name: version(name) for name in sorted(_loaded())},
    }


def commit() -> dict[str, Any]:
    """The commit of this checkout, and whether files differ from it; None outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    dirty = bool(_git("status", "--porcelain", "--untracked-files=no")) if commit else None
    return {"commit": commit or None, "dirty": dirty}


def device_name(kind: str) -> str:
    """The name of the device that a stage was to compute on, "cpu" or "cuda"."""
    if kind == "cpu":
        return processor()
    import torch  # loaded already by a stage that computes there

    return str(torch.cuda.get_device_name())


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _relative(path: Path) -> str:
    """A path from the folder that the workflow runs in, so that records hold where the folder is moved to."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _loaded() -> set[str]:
    """The libraries that shape numbers and that this process has loaded."""
    modules = {"numpy": "numpy", "torch": "torch", "sklearn": "scikit-learn", "sentencepiece": "sentencepiece"}
    modules |= {"pandas": "pandas", "matplotlib": "matplotlib", "datasketch": "datasketch", "datasets": "datasets"}
    modules |= {"scipy": "scipy", "pyarrow": "pyarrow", "sentence_transformers": "sentence-transformers"}
    return {package for module, package in modules.items() if module in sys.modules}


def _git(*arguments: str) -> str:
    """Git's answer about the folder of this file; empty outside a checkout or without git."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False, timeout=20
        )
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
