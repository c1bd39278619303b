"""What a run's stages have left in logs/, found while other stages may be at work there.

logs/encode_split/sympy/test.job.json, .summary.json, .log       find_logs(logs, ".job.json") -> the first
logs/encode_split/sympy/.train.job.json.part/train.job.json      being written: not found
"""

from __future__ import annotations

import os
from pathlib import Path


def find_logs(folder: Path, ending: str) -> list[Path]:
    """The files in and below a folder whose names end so, sorted; none where there is no folder.

    Unlike Path.rglob this passes over what is being written (hidden folders) and does not mind what vanishes.
    """
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(root, name) for name in names if name.endswith(ending)]
    return sorted(found)
