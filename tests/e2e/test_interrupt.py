"""Stopped in the middle and run again by the same command: the same bytes as a run that nobody disturbed."""

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from e2e.conftest import Clone, assert_same
from speclm.stage.logs import find_logs

STOPS = 15  # ten of them kills


def parts(process: subprocess.Popen[str]) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """What runs under `make`: Snakemake itself, and the stages that it has started."""
    snakemake, stages = [], []
    assert process.poll() is None, f"it ended before it could be stopped: {process.communicate()[0][-6000:]}"
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            command = child.cmdline()
        except psutil.NoSuchProcess:
            continue
        if "python" in "".join(command[:1]):
            (stages if ".snakemake/scripts/" in command[1] else snakemake).append(child)
    return snakemake[:1], stages


def at_work(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def summaries(clone: Clone) -> int:
    """How many stages have ended well."""
    return len(find_logs(clone.results / "logs", ".summary.json"))


def jobs(clone: Clone) -> int:
    """How many stages a whole run has."""
    said = clone.snakemake("--dry-run").stdout
    return int(re.findall(r"^total +(\d+)", said, flags=re.M)[0])


def test_stopped_again_and_again_it_recovers_by_itself(smoke: Clone, new_clone: Callable[[], Clone]) -> None:
    """At random moments, spread over the whole run, by turns: everything is killed, Snakemake alone is killed so that
    its stages are left, and everything is asked to stop."""
    chance = random.Random(17)
    clone = new_clone()
    moments = sorted(chance.sample(range(jobs(clone) * 9 // 10), STOPS))
    left: list[psutil.Process] = []
    orphans = 0
    for number, moment in enumerate(moments):
        process = clone.start()
        until = None
        while until is None or time.monotonic() < until:
            if parts(process)[1]:
                assert at_work(left) == [], "stages of the stopped run are at work beside its successor's"
                if until is None and summaries(clone) >= moment:
                    until = time.monotonic() + chance.uniform(0, 2)
            time.sleep(0.05)
        (snakemake,), left = parts(process)
        if number % 3 == 0:
            os.killpg(process.pid, signal.SIGKILL)
        elif number % 3 == 1:
            snakemake.kill()
            orphans += len(left)
        else:
            os.killpg(process.pid, signal.SIGTERM)
            snakemake.wait(timeout=60)
    assert orphans > 0
    last = clone.start()
    said = last.communicate(timeout=900)[0]
    assert last.returncode == 0, said[-6000:]
    assert at_work(left) == []
    assert_same(clone, smoke)


@pytest.fixture
def running(new_clone: Callable[[], Clone]) -> Iterator[tuple[Clone, subprocess.Popen[str]]]:
    clone = new_clone()
    process = clone.start()
    yield clone, process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_it_stops_whatever_it_is_at(running: tuple[Clone, subprocess.Popen[str]]) -> None:
    """Asked a hundred times a second, Snakemake records the ends of the stages at work, and ends. Handlers that wait
    for the code that they meet pile up to a RecursionError."""
    clone, process = running
    while not parts(process)[1]:
        time.sleep(0.1)
    (snakemake,), stages = parts(process)
    before, until = summaries(clone), time.monotonic() + 60
    while at_work([snakemake]):
        assert time.monotonic() < until, "it is still there after a minute"
        with suppress(psutil.NoSuchProcess):
            snakemake.terminate()
        time.sleep(0.01)
    said = process.communicate(timeout=60)[0]
    assert "Traceback" not in said and "RecursionError" not in said, said[-3000:]
    assert summaries(clone) >= before + len(stages)
    assert at_work(stages) == []


def test_a_second_run_in_the_same_folder_is_refused(running: tuple[Clone, subprocess.Popen[str]]) -> None:
    clone, process = running
    while not parts(process)[1]:
        time.sleep(0.1)
    occupant = json.loads((clone.results / ".occupied/workflow").read_text())
    assert parts(process)[0][0].pid == occupant["pid"]
    second = clone.start()
    said = second.communicate(timeout=120)[0]
    assert second.returncode != 0
    assert f"results/smoke: another workflow is at work here: process {occupant['pid']} on {occupant['host']}" in said
    assert f"Remedy: wait for its end, or end it (kill {occupant['pid']}" in said
    assert "Traceback" not in said
    assert process.poll() is None
    assert "Nothing to be done" not in said
    dry = clone.snakemake("--dry-run")  # looking is free
    assert "This was a dry-run" in dry.stdout + dry.stderr
