"""Processes that meet a real fault at a chosen moment: a signal, no more memory, no more room for a file.

A process forked from a server that has loaded the library calls ``work(stop)`` with a real stop flag, as a stage's
script does, and ends with a stage's exit codes. Moments are counted, not timed, so that a failure repeats:

    call    the n-th time that any function, Python's or a library's, is called or returns
    file    the n-th time that a file is about to be opened, renamed, changed or removed, or a folder
    look    the n-th look at the stop flag, that is at step n - 1 of a training

    os.rename, …   the n-th event of that name, of those that `sys.audit` tells of files

or named, by a file that is about to be written.

    ended = in_process(partial(study.pretrain, "slm", "cut"), at=Moment("file", 17), strike=Send(signal.SIGKILL))
    ended.code -> -9
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch

from speclm.stage.errors import UserError
from speclm.stage.interrupt import EXIT_INTERRUPTED, Interrupted, StopFlag

Work = Callable[[Any], Any]  # given the stop flag
FILE_EVENTS = {"open", "os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir", "os.truncate"}  # of sys.audit
LOADED = ["numpy.random", "unit.train.stages"]


@dataclass(frozen=True)
class Moment:
    """The `number`-th of its kind: "call", "file", "look", or an audit event's name."""

    kind: str
    number: int


@dataclass(frozen=True)
class Writing:
    """The first time that a file is about to be written whose path ends as this pattern says."""

    pattern: str


@dataclass(frozen=True)
class Send:
    """Send the process a signal."""

    signal: signal.Signals

    def __call__(self) -> None:
        os.kill(os.getpid(), self.signal)


@dataclass(frozen=True)
class LimitFiles:
    """Let no file grow beyond so many bytes: writing more fails as on a full disk, or ends the process."""

    size: int
    fatal: bool

    def __call__(self) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if self.fatal else signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))


@dataclass(frozen=True)
class ExhaustMemory:
    """Let the process have no more memory than it has, and fill what its allocator keeps in pieces of `size` bytes."""

    size: int

    def __call__(self) -> None:
        kept = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (kept, kept))
        with suppress(RuntimeError):
            while True:
                _filling.append(torch.empty(self.size, dtype=torch.uint8))


_filling: list[torch.Tensor] = []


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (negative: the signal), what it told its user, and, unless it was killed, how
    many moments of each kind it had (calls: if they were counted)."""

    code: int
    said: str = ""
    moments: dict[str, int] = field(default_factory=dict)


def in_process(
    work: Work, at: Moment | Writing | None = None, strike: Callable[[], None] | None = None, *, calls: bool = False
) -> Ended:
    """Call ``work(stop)`` in a process of its own in which `strike` happens at a moment (None: at once).

    Args:
        calls: count them although no strike waits for one (it takes twice the time).
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)  # forked, not imported, by every process
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, at, strike, calls, sender))
    process.start()
    sender.close()
    try:
        said, moments = receiver.recv()
    except EOFError:
        said, moments = "", {}
    process.join()
    assert process.exitcode is not None
    return Ended(process.exitcode, said, moments)


def _child(
    work: Work, at: Moment | Writing | None, strike: Callable[[], None] | None, calls: bool, sender: Connection
) -> None:
    code, said = 0, ""
    with StopFlag() as flag:
        watch = _Watch(flag, at, strike)
        try:
            if strike and at is None:
                strike()
            sys.addaudithook(watch.hear)
            if calls or (isinstance(at, Moment) and at.kind == "call"):
                sys.setprofile(watch.see)
            work(watch)
        except Interrupted as stop:
            code, said = EXIT_INTERRUPTED, str(stop)
        except UserError as error:
            code, said = 1, str(error)
        finally:
            sys.setprofile(None)
    sender.send((said, watch.moments))
    sys.exit(code)


class _Watch:
    """Counts moments and strikes at the chosen one. Stands for the stop flag, to see who looks at it."""

    def __init__(self, flag: StopFlag, at: Moment | Writing | None, strike: Callable[[], None] | None) -> None:
        self.moments: dict[str, int] = {}
        self._flag, self._at, self._strike = flag, at, strike

    @property
    def requested(self) -> bool:
        self._count("look")
        return self._flag.requested

    def see(self, frame: Any, event: str, argument: Any) -> None:
        """As `sys.setprofile` asks for it."""
        self._count("call")

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """As `sys.addaudithook` asks for it."""
        if event in FILE_EVENTS:
            self._count("file")
            self._count(event)
            if isinstance(self._at, Writing) and re.search(f"(?:{self._at.pattern})$", _written(event, arguments)):
                self._struck()

    def _count(self, kind: str) -> None:
        self.moments[kind] = self.moments.get(kind, 0) + 1
        if isinstance(self._at, Moment) and self._at.kind == kind and self._at.number == self.moments[kind]:
            self._struck()

    def _struck(self) -> None:
        self._at = None
        sys.setprofile(None)
        if self._strike:
            self._strike()


def _written(event: str, arguments: tuple[Any, ...]) -> str:
    """The file that is about to be written: appended to, or by `files.atomic`, which first makes a folder for it."""
    path = Path(str(arguments[0]))
    if event == "os.mkdir" and path.suffix == ".part":
        return str(path.with_name(path.stem[1:]))
    return str(path) if event == "open" and "a" in str(arguments[1]) else ""
