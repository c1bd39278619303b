"""Work for the benchmark's processes, and doing a few steps of a contestant's endless work in this one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from speclm.bench.stages import Models, Text


class EnoughError(Exception):
    pass


def do_steps(work: Callable[[Callable[[], None]], None], steps: int) -> None:
    """So many whole steps."""
    left = steps

    def before_step() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise EnoughError

    try:
        work(before_step)
    except EnoughError:
        return


def hold(text: Text, models: Models, output: Path) -> None:
    """Fill as much memory as the text has bytes, and let it go."""
    np.ones(text.bytes, dtype=np.uint8)
