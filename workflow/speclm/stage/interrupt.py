"""Being stopped politely: a signal only sets a flag; the loop saves at its next step and leaves.

SLURM sends SIGTERM before it takes a machine back, and SIGUSR1 where a job asks for it ahead of its time limit.

    with StopFlag() as stop:
        for step in …:
            …
            if stop.requested:
                save(); raise Interrupted("at step 1200 of 4000")

A handler runs within the code that the signal meets. One that takes a lock which that code holds waits for itself, for
ever: so does Snakemake's (9.27) if it is asked to stop while it records the end of a job. `handle_in_thread` ends that.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

EXIT_INTERRUPTED = 75  # EX_TEMPFAIL of sysexits.h: the same command will succeed later


class Interrupted(Exception):  # noqa: N818  (an outcome, not an error of anybody)
    """The stage was asked to stop, has saved, and goes on where it was when it is run again."""


def handle_in_thread(number: signal.Signals) -> None:
    """Let the handler that a signal has run in a thread of its own, which may wait for locks of the code it meets."""
    handler = signal.getsignal(number)
    assert callable(handler)
    signal.signal(number, in_thread(handler))


def in_thread(handler: Callable[..., Any]) -> Callable[..., None]:
    """A function that starts `handler` in a thread of its own and returns at once."""

    def start(*arguments: Any) -> None:
        threading.Thread(target=handler, args=arguments, name="handler", daemon=True).start()

    return start


class StopFlag:
    """Catches SIGTERM and SIGUSR1 while its block runs; `requested` says whether one came."""

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopFlag:
        for number in (signal.SIGTERM, signal.SIGUSR1):
            self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
