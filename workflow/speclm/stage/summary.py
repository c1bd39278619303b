"""The record that a stage leaves: enough to trace a number back to settings, inputs, code and machine.

{"fingerprint": {"revision": 1, "settings.k": 8, "inputs.tokens": "sha256:9f…"}, "seconds": 12.3,
 "commit": "4c1e…", "dirty": false, "host": "node7", "processor": "Xeon …",
 "allocator": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", …}, "versions": {"torch": "2.13.0"}}
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
from speclm.stage.fingerprint import Fingerprint


def describe(settings: Mapping[str, Any], fingerprint: Fingerprint, started: float) -> dict[str, Any]:
    """Everything about a finished stage but its facts. `started` is in seconds since the epoch."""
    return {
        "settings": dict(settings),
        "fingerprint": fingerprint,
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 3),
        **commit(),
        "host": platform.node(),
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


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _loaded() -> set[str]:
    """The libraries that shape numbers and that this process has loaded."""
    modules = {"numpy": "numpy", "torch": "torch", "sklearn": "scikit-learn", "sentencepiece": "sentencepiece"}
    modules |= {"pandas": "pandas", "matplotlib": "matplotlib", "datasketch": "datasketch", "datasets": "datasets"}
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
