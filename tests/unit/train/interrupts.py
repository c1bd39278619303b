"""Stop flags that stand for signals at a chosen step of a training in this process."""

from __future__ import annotations


class Killed(BaseException):
    """Stands for SIGKILL: nothing is saved on the way out."""


class Never:
    """A stop flag that never asks."""

    requested = False


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
