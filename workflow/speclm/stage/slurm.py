"""A workflow's jobs on SLURM: a killed one's end before the next submits its own, and all are looked at in time.

A cluster's jobs do not end with the process that submitted them, and one that still trains keeps its folder locked.
All jobs of one workflow have one name; a run keeps the names that its workflows gave.

    results/laptop/.occupied/slurm   one name a line: 028b8481-4002-47d7-90f1-a8861af94e1a

How often Snakemake looks at its jobs follows how long they take: 40 s after one ended it looks every 4 s, ten minutes
after every minute.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from speclm.stage.errors import UserError
from speclm.stage.files import write_text

# SLURM itself ends them KillWait seconds after they are asked to: 30 unless a site says otherwise.
ENDING_SECONDS = 600.0
LOOK_SECONDS = 1.0
LOOK_SHARE = 0.1  # a job's end is noticed within this share of the time since the one before it


def take_over(run: Path, name: str) -> bool:
    """End the jobs of this run's earlier workflows and wait for their end; `name` is that of the jobs to come.

    Returns:
        Whether there were any. Then files have come and gone since this workflow was planned: a job that had just made
        its outputs takes them back when it is cancelled.

    Raises:
        UserError: SLURM does not answer, or the jobs do not end.
    """
    names = run / ".occupied/slurm"
    earlier = names.read_text(encoding="utf-8").split() if names.exists() else []
    some = bool(earlier and _jobs(earlier))
    if some:
        print("Jobs of a run that was killed save and end. Waiting for them.", file=sys.stderr, flush=True)
        for one in earlier:
            _ask("scancel", "--me", f"--name={one}")
        until = time.monotonic() + ENDING_SECONDS
        while left := _jobs(earlier):
            if time.monotonic() > until:
                raise UserError(
                    f"jobs {', '.join(left)} of an earlier workflow are still there after {ENDING_SECONDS:.0f} s",
                    where=run,
                    remedy="end them with scancel, and ask the cluster's administrators if that does not help",
                )
            time.sleep(LOOK_SECONDS)
    names.parent.mkdir(parents=True, exist_ok=True)
    write_text(names, f"{name}\n")
    return some


def plan_again() -> NoReturn:
    """Begin this process anew, with the command that it was begun with."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)


def look_in_time(executor: Any) -> None:
    """Let Snakemake's executor for SLURM sleep between two looks at its jobs for as long as jobs of their kind deserve.

    Its own sleep grows by 10 s with each look at which no job had ended, so that a job of 15 s is noticed after 36; it
    falls back to the first interval once one has ended.
    """
    shortest = executor.workflow.executor_settings.init_seconds_before_status_checks
    ended = time.monotonic()

    async def sleep() -> None:
        nonlocal ended
        own = executor.next_seconds_between_status_checks
        if own <= shortest:
            ended = time.monotonic()
        await asyncio.sleep(min(own, max(shortest, LOOK_SHARE * (time.monotonic() - ended))))

    executor.sleep = sleep


def _jobs(names: list[str]) -> list[str]:
    """The jobs of these names that wait, run, or are about to end."""
    return _ask("squeue", "--me", "--noheader", "--format=%i", f"--name={','.join(names)}").split()


def _ask(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise UserError(
            f"{command[0]} failed: {ended.stderr.strip()}",
            remedy="wait until SLURM answers (sinfo shows it), then run the same command again",
        )
    return ended.stdout
