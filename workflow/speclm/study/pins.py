"""The versions that the locks in envs/ pin.

lock.txt "pandas==3.1.1 \\", torch-cpu.txt "torch==2.13.0+cpu \\", torch-cuda.txt "torch==2.13.0 \\"
->  {"pandas": ["3.1.1"], "torch": ["2.13.0+cpu", "2.13.0"]}
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)


def read_pins(locks: Iterable[Path]) -> dict[str, list[str]]:
    """Every package of the locks with its version; with several where locks are for several kinds of machine."""
    pins: dict[str, list[str]] = {}
    for path in locks:
        for package, version in PIN.findall(path.read_text(encoding="utf-8")):
            if version not in pins.setdefault(package, []):
                pins[package].append(version)
    return dict(sorted(pins.items(), key=lambda pin: pin[0].lower()))
