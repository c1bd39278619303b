"""One workflow at a time in a run's folder, and no stage that goes on without the workflow that started it.

A workflow occupies its run: it locks a file and keeps it locked until its process ends, however it ends. Whether it
lives is what the kernel says of the lock, not what stands in a file that its writer did not live to remove. A second
workflow is refused and told of the first. Each stage looks twice a second whether its workflow is still there, and asks
itself to stop when it is not (SIGTERM: a training saves, others end at once). A workflow that follows a killed one
waits for the stages that are left of it before it starts its own.

    results/laptop/.occupied/workflow   {"token": "9f…", "pid": 4711, "host": "node7", "since": "…", "command": "…"};
                                        locked by that process, and empty once it has ended in order
    results/laptop/.occupied/stages     locked by all stages at work together

On a network file system, locks of other machines may not be seen. There a workflow of another machine that did not end
in order counts as living until its user says otherwise.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import platform
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.files import unwritable

VARIABLE = "SPECLM_WORKFLOW"  # {folder}/{token}: tells a stage which workflow started it
LOCAL = ("apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "overlay", "tmpfs", "xfs", "zfs")
LOOK_SECONDS = 0.5  # between two looks of a stage
STAGES_SECONDS = 600.0  # that stages of a killed workflow have to save


@dataclass(frozen=True)
class Occupant:
    """The workflow that occupies a run."""

    token: str
    pid: int
    host: str
    since: str
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} ({self.command})"


def occupy(run: Path) -> str:
    """Make this process the run's workflow until it ends; return the value of `VARIABLE` for its stages.

    Raises:
        UserError: another workflow is at work here, or may be; stages of an earlier one do not end; no permission.
    """
    folder = run / ".occupied"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "workflow", os.O_RDWR | os.O_CREAT, 0o644)  # open until this process ends
        stages = os.open(folder / "stages", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable(folder, error) from error
    _take(handle, folder)
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    occupant = Occupant(secrets.token_hex(8), os.getpid(), platform.node(), now, command)
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(asdict(occupant)).encode(), 0)
    atexit.register(os.ftruncate, handle, 0)
    with suppress(OSError), os.fdopen(stages):  # no locks: nothing to wait for
        _wait_for_stages(stages, run)
    return str(folder / occupant.token)


@contextmanager
def ended_with_workflow() -> Iterator[None]:
    """While this block of a stage runs, its process gets SIGTERM as soon as the workflow that started it is gone.

    A stage that no workflow of this machine started is left alone.
    """
    if VARIABLE not in os.environ:
        yield
        return
    path = Path(os.environ[VARIABLE])
    ended = threading.Event()

    def look() -> None:
        while _is_there(path):
            if ended.wait(LOOK_SECONDS):
                return
        os.kill(os.getpid(), signal.SIGTERM)

    stages = os.open(path.parent / "stages", os.O_RDWR)  # open until this process has ended
    with suppress(OSError):  # no locks
        _lock(stages, fcntl.LOCK_SH, 4 * LOOK_SECONDS)
    if not _is_there(path):  # before any work, which its successor may have begun
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=look, name="workflow", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def file_system(folder: Path) -> str:
    """Type of the file system that a folder lies on, as the system names it (ext4, nfs4, …)."""
    import psutil  # which Snakemake needs, and stages do not

    folder = folder.resolve()
    types = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((types[place] for place in (folder, *folder.parents) if place in types), "unknown")


def _take(handle: int, folder: Path) -> None:
    """Lock the workflow's file for this process, or raise UserError."""
    try:
        taken = _lock(handle, fcntl.LOCK_EX, 4 * LOOK_SECONDS)  # a stage that looks holds it for an instant
        evidence = True
    except OSError:
        taken, evidence = True, False
    occupant = _read(folder)
    if not taken:
        raise UserError(
            f"another workflow is at work here: {occupant or 'it just began'}",
            where=folder.parent,
            remedy="wait for its end, or end it"
            + (f" (kill {occupant.pid} on {occupant.host})" if occupant else "")
            + ", then run again. Another run (run: NAME in a --configfile) can go on beside it",
        )
    if occupant and not (evidence and (occupant.host == platform.node() or file_system(folder) in LOCAL)):
        raise UserError(
            f"another workflow may be at work here, this file system ({file_system(folder)}) cannot tell: {occupant}",
            where=folder.parent,
            remedy=f"make sure that it has ended, delete {folder / 'workflow'}, then run again",
        )


def _wait_for_stages(stages: int, run: Path) -> None:
    if not _lock(stages, fcntl.LOCK_EX, 0.0):
        print("Stages of a run that was killed save and end. Waiting for them.", file=sys.stderr, flush=True)
        if not _lock(stages, fcntl.LOCK_EX, STAGES_SECONDS):
            raise UserError(
                f"stages of an earlier workflow are still at work here after {STAGES_SECONDS:.0f} s",
                where=run,
                remedy="end them (ps -ef names them: python and a script under .snakemake/scripts), then run again",
            )


def _is_there(path: Path) -> bool:
    """Whether the workflow of this folder and token still occupies the folder."""
    occupant = _read(path.parent)
    if occupant is None or occupant.token != path.name:
        return False
    try:
        with (path.parent / "workflow").open("rb+") as file:
            return not _lock(file.fileno(), fcntl.LOCK_SH, 0.0)
    except FileNotFoundError:
        return False
    except OSError:  # no locks: its successor will tell
        return True


def _read(folder: Path) -> Occupant | None:
    """Who wrote last that it occupies the folder; None after an orderly end."""
    try:
        return Occupant(**json.loads((folder / "workflow").read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # absent, empty, or being written
        return None


def _lock(handle: int, kind: int, seconds: float) -> bool:
    """Lock a file within so many seconds; whether it was possible. OSError: this file system has no locks."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_SECONDS / 10)
        else:
            return True
