"""Stop flags that stand for signals at a chosen step, and processes that really get them there."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

from speclm.stage.interrupt import EXIT_INTERRUPTED, Interrupted, StopFlag


class Killed(BaseException):
    """Stands for SIGKILL: nothing is saved on the way out."""


class Never:
    """A stop flag that never asks, and counts how often it was looked at."""

    looks = 0

    @property
    def requested(self) -> bool:
        self.looks += 1
        return False


class StopAt:
    """A stop flag that kills, or asks to stop, when it is looked at for the `count`-th time."""

    def __init__(self, count: int, kill: bool) -> None:
        self._left, self._kill = count, kill

    @property
    def requested(self) -> bool:
        self._left -= 1
        if self._left == 0 and self._kill:
            raise Killed
        return self._left == 0


class SignalAt:
    """A real stop flag whose process sends itself a real signal at the `count`-th look."""

    def __init__(self, count: int, number: signal.Signals, flag: StopFlag) -> None:
        self._left, self._number, self._flag = count, number, flag

    @property
    def requested(self) -> bool:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._number)
        return self._flag.requested


def in_process(work: Callable[[Any], Any], count: int, number: signal.Signals) -> int:
    """Call ``work(stop)`` in a process of its own that gets the signal at its `count`-th look; return the exit code."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "pandas", "pyarrow.parquet"])  # forked, not imported, by every process
    process = context.Process(target=_child, args=(work, count, number))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _child(work: Callable[[Any], Any], count: int, number: signal.Signals) -> None:
    with StopFlag() as flag:
        try:
            work(SignalAt(count, number, flag))
        except Interrupted:
            os._exit(EXIT_INTERRUPTED)
