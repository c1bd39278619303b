"""Jobs that a killed workflow left to SLURM: they save, end, and are gone before the next workflow submits its own.

A cluster's jobs do not end with the process that submitted them, and one that still trains keeps its folder locked.
All jobs of one workflow have one name; a run keeps the names that its workflows gave.

    results/laptop/.occupied/slurm   one name a line: 028b8481-4002-47d7-90f1-a8861af94e1a
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.files import write_text

ENDING_SECONDS = (
    600.0  # SLURM itself ends them KillWait seconds after they are asked to (30 unless a site says otherwise)
)
LOOK_SECONDS = 1.0


def take_over(run: Path, name: str) -> None:
    """End the jobs of this run's earlier workflows and wait for their end; `name` is that of the jobs to come.

    Raises:
        UserError: SLURM does not answer, or the jobs do not end.
    """
    names = run / ".occupied/slurm"
    earlier = names.read_text(encoding="utf-8").split() if names.exists() else []
    if earlier and _jobs(earlier):
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
