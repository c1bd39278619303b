"""One workflow at a time, and its stages end with it: real processes that are really killed."""

import errno
import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from speclm.stage import occupancy
from speclm.stage.errors import UserError
from speclm.stage.occupancy import Occupant, file_system, occupy

ROOT = Path(__file__).parents[3]
WORKFLOW = """
import sys, time
from pathlib import Path
from speclm.stage.errors import UserError
from speclm.stage.occupancy import occupy
try:
    print(occupy(Path(sys.argv[1])), flush=True)
    print(time.monotonic(), flush=True)
except UserError as error:
    sys.exit(str(error))
sys.stdin.read()
"""
STAGE = """
import sys, time
from speclm.stage.interrupt import StopFlag
from speclm.stage.occupancy import ended_with_workflow
with ended_with_workflow(), StopFlag() as stop:
    print("at work", flush=True)
    while not stop.requested:
        time.sleep(0.01)
    sys.stdin.read()
    print(time.monotonic(), flush=True)
"""


def start(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_workflow_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    first = start(WORKFLOW, str(tmp_path))
    assert line(first).startswith(str(tmp_path / ".occupied"))
    said = start(WORKFLOW, str(tmp_path)).communicate()[1]
    assert f"{tmp_path}: another workflow is at work here: process {first.pid} on {platform.node()} since" in said
    assert f"(-c {tmp_path})" in said  # its command
    assert f"\nRemedy: wait for its end, or end it (kill {first.pid} on {platform.node()}), then run again" in said
    assert first.poll() is None
    first.communicate()  # the end of its input
    assert (tmp_path / ".occupied/workflow").read_text() == ""
    third = start(WORKFLOW, str(tmp_path))
    assert line(third)
    kill(third)


def test_a_killed_workflow_keeps_nobody_out(tmp_path: Path) -> None:
    for _ in range(3):
        workflow = start(WORKFLOW, str(tmp_path))
        assert line(workflow)
        kill(workflow)
    assert "pid" in json.loads((tmp_path / ".occupied/workflow").read_text())


def test_two_runs_go_on_beside_each_other(tmp_path: Path) -> None:
    both = [start(WORKFLOW, str(tmp_path / name)) for name in ("one", "two")]
    assert all(line(workflow) for workflow in both)
    for workflow in both:
        kill(workflow)


def test_stages_of_a_killed_workflow_save_and_end_before_the_next_begins(tmp_path: Path) -> None:
    killed = start(WORKFLOW, str(tmp_path))
    name = line(killed)
    stages = [start(STAGE, **{occupancy.VARIABLE: name}) for _ in range(2)]
    assert [line(stage) for stage in stages] == ["at work", "at work"]
    kill(killed)
    following = start(WORKFLOW, str(tmp_path))
    assert following.stderr is not None
    assert following.stderr.readline().startswith("Stages of a run that was killed save and end")
    saved = []
    for stage in stages:
        saved.append(float(stage.communicate()[0]))  # the end of its input
        assert stage.returncode == 0
    assert line(following)
    assert float(line(following)) > max(saved)
    kill(following)


def test_a_stage_goes_on_while_its_workflow_lives(tmp_path: Path) -> None:
    workflow = start(WORKFLOW, str(tmp_path))
    stage = start(STAGE, **{occupancy.VARIABLE: line(workflow)})
    assert line(stage) == "at work"
    with pytest.raises(subprocess.TimeoutExpired):
        stage.wait(timeout=4 * occupancy.LOOK_SECONDS)
    kill(workflow)
    assert stage.communicate()[0]
    assert stage.returncode == 0


def test_a_stage_that_begins_late_does_no_work_beside_the_next_workflow(tmp_path: Path) -> None:
    killed = start(WORKFLOW, str(tmp_path))
    name = line(killed)
    kill(killed)
    following = start(WORKFLOW, str(tmp_path))
    assert line(following)
    late = start(STAGE, **{occupancy.VARIABLE: name})
    assert late.communicate()[0] == ""
    assert late.returncode == -signal.SIGTERM
    kill(following)


def left_by(host: str, run: Path) -> Path:
    """A folder whose last workflow did not end in order."""
    file = run / ".occupied/workflow"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(vars(Occupant("9f", 4711, host, "yesterday", "snakemake"))))
    return file


def test_on_a_network_another_machines_workflow_counts_as_living(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occupancy, "file_system", lambda folder: "nfs4")
    file = left_by("elsewhere", tmp_path / "run")
    with pytest.raises(
        UserError, match=r"may be at work here, .* \(nfs4\) cannot tell: process 4711 on elsewhere"
    ) as said:
        occupy(tmp_path / "run")
    assert f"delete {file}" in str(said.value)
    left_by(platform.node(), tmp_path / "mine")
    assert occupy(tmp_path / "mine")  # this machine's kernel knows that it has ended


def test_on_a_local_disk_no_other_machine_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "file_system", lambda folder: "ext4")
    left_by("the name before", tmp_path / "run")
    assert occupy(tmp_path / "run")


def test_without_locks_only_an_orderly_end_lets_the_next_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(handle: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert occupy(tmp_path / "run")
    with pytest.raises(UserError, match=f"cannot tell: process {os.getpid()}"):
        occupy(tmp_path / "run")
    (tmp_path / "run/.occupied/workflow").write_text("")
    assert occupy(tmp_path / "run")


def test_the_file_system_is_named_as_the_system_does(tmp_path: Path) -> None:
    if Path("/proc/self/mounts").exists():
        assert file_system(Path("/proc/self")) == "proc"
    assert file_system(tmp_path) != "unknown"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        occupy(tmp_path / "run")
