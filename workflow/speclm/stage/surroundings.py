"""What a process must not take over from the terminal that it was started in: a display, and a home of no use.

Jupyter's terminals say how figures get into its pages, MPLBACKEND=module://matplotlib_inline.backend_inline, and that
module need not be here. Snakemake keeps its sources below the user's home, which a cluster or a container may leave out
or write-protect.

    HOME=/nowhere, in /data/clone   ->   XDG_CACHE_HOME=/data/clone/.snakemake/cache
"""

from __future__ import annotations

import os
from pathlib import Path


def settle() -> None:
    """Make this process, and those that it starts, draw into files alone and keep what they keep where they can."""
    os.environ.pop("MPLBACKEND", None)
    if not _writable(cache_folder()):
        os.environ["XDG_CACHE_HOME"] = str(Path.cwd() / ".snakemake/cache")


def cache_folder() -> Path:
    """Where programs keep what they can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 (Path's raises)


def _writable(folder: Path) -> bool:
    """Whether there is such a folder, or can be; a path that begins with ~ is that of a user without a home."""
    if not folder.is_absolute():
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
