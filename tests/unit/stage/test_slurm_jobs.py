"""Jobs left in a queue by a killed workflow, and looks at one's own. The queue is a file here; a real one stands in
tests/e2e/test_slurm.py."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from speclm.stage import slurm
from speclm.stage.errors import UserError
from speclm.stage.slurm import take_over

ROOT = Path(__file__).parents[3]
SQUEUE = """#!/bin/sh
for last; do :; done
grep -F "${last#--name=}" "$QUEUE" | cut -d ' ' -f 1
test -e "$QUEUE"
"""
SCANCEL = """#!/bin/sh
for last; do :; done
(sleep 0.3; sed -i "/${last#--name=}/d" "$QUEUE") &
"""
STUBBORN = """#!/bin/sh
"""


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A queue of "job name" lines, and the programs that read it and end its jobs."""
    for name, program in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(program)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("QUEUE", str(tmp_path / "queue"))
    monkeypatch.setattr(slurm, "LOOK_SECONDS", 0.05)
    (tmp_path / "queue").write_text("7 first\n8 other\n9 first\n")
    return tmp_path / "queue"


def test_a_first_workflow_touches_no_job_and_leaves_its_name(queue: Path, tmp_path: Path) -> None:
    assert not take_over(tmp_path / "run", "first")
    assert queue.read_text() == "7 first\n8 other\n9 first\n"
    assert (tmp_path / "run/.occupied/slurm").read_text() == "first\n"


def test_the_jobs_of_the_workflow_before_have_ended_when_the_next_begins(
    queue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    take_over(tmp_path / "run", "first")
    assert take_over(tmp_path / "run", "second")
    assert not take_over(tmp_path / "run", "second")
    assert queue.read_text() == "8 other\n"
    assert (tmp_path / "run/.occupied/slurm").read_text() == "second\n"
    assert "Waiting for them" in capfd.readouterr().err


def test_jobs_that_do_not_end_are_named_and_not_forgotten(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scancel").write_text(STUBBORN)
    monkeypatch.setattr(slurm, "ENDING_SECONDS", 0.2)
    take_over(tmp_path / "run", "first")
    for _ in range(2):
        with pytest.raises(UserError, match="jobs 7, 9 of an earlier workflow"):
            take_over(tmp_path / "run", "second")


def test_a_cluster_that_does_not_answer_is_told_and_the_jobs_are_not_forgotten(queue: Path, tmp_path: Path) -> None:
    take_over(tmp_path / "run", "first")
    queue.unlink()
    with pytest.raises(UserError, match="squeue failed"):
        take_over(tmp_path / "run", "second")
    assert (tmp_path / "run/.occupied/slurm").read_text() == "first\n"


def test_a_workflow_that_took_jobs_over_begins_anew_by_the_same_command(queue: Path, tmp_path: Path) -> None:
    """What it planned was planned while those jobs were still at work."""
    take_over(tmp_path / "run", "first")
    program = """
import os, sys
from pathlib import Path
from speclm.stage.slurm import plan_again, take_over
print("planned", os.getpid(), *sys.argv[1:])
if take_over(Path(sys.argv[1]), str(os.getpid())):
    plan_again()
"""
    command = [sys.executable, "-c", program, tmp_path / "run", "--cores"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    first, again = ended.stdout.splitlines()
    assert first == again
    assert first.endswith("run --cores")
    assert queue.read_text() == "8 other\n"


class Executor:
    """The part of Snakemake's executors that decides when it looks: between two looks it awaits its `sleep`."""

    def __init__(self) -> None:
        self.next_seconds_between_status_checks = 2.0
        self.workflow = SimpleNamespace(executor_settings=SimpleNamespace(init_seconds_before_status_checks=2))


def test_looks_come_after_a_tenth_of_the_time_since_a_job_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the plugin does, its own interval grows by 10 s a look, and is the first one again after a job's end."""
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(slurm.asyncio, "sleep", sleep)
    monkeypatch.setattr(slurm.time, "monotonic", lambda: now)
    executor = Executor()
    slurm.look_in_time(executor)

    def noticed(end: float) -> float:
        """When the end of a job that began just now is seen."""
        begin = now
        while True:
            asyncio.run(executor.sleep())
            if now - begin >= end:
                executor.next_seconds_between_status_checks = 2.0
                return now - begin
            executor.next_seconds_between_status_checks = min(executor.next_seconds_between_status_checks + 10, 180)

    assert noticed(1) == 2
    for seconds in (15, 60, 600, 3600):
        assert seconds <= noticed(seconds) <= 1.12 * seconds + 2
    assert noticed(100_000) <= 100_000 + 180
