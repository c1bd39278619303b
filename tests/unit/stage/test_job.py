"""A stage as a program: recorded, repeatable without Snakemake, and honest about how it ended."""

import hashlib
import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import speclm.__main__
from speclm.stage.errors import UserError
from speclm.stage.files import write_text
from speclm.stage.interrupt import EXIT_INTERRUPTED, Interrupted
from speclm.stage.job import Job, finish, load
from unit.train.faults import Moment, Send, in_process

ROOT = Path(__file__).parents[3]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "in.txt").write_text("input")
    (tmp_path / "out.txt").write_text("output")
    return Job(
        name="copy",
        settings={"k": 3, "seed": 5},
        inputs={"one": tmp_path / "in.txt", "many": [tmp_path / "in.txt"]},
        outputs={"out": tmp_path / "out.txt"},
        wildcards={"seed": "17"},
        log=tmp_path / "logs" / "copy.log",
        revision=1,
    )


def test_a_job_comes_back_from_its_record(job: Job) -> None:
    finish(lambda job: {"seed": job.seed}, job)
    assert load(job.log.with_suffix(".job.json")) == job
    summary = json.loads(job.log.with_suffix(".summary.json").read_text())
    assert summary["facts"] == {"seed": 17}
    assert summary["fingerprint"]["settings.k"] == 3
    text = hashlib.sha256(b"input").hexdigest()
    assert summary["fingerprint"]["inputs.one"] == f"sha256:{text}"
    assert [(file["name"], file["sha256"]) for file in summary["inputs"]] == [("one", text), ("many.0", text)]
    made = {"name": "out", "path": str(job.outputs["out"]), "sha256": hashlib.sha256(b"output").hexdigest()}
    assert summary["outputs"] == [made]
    assert (summary["stage"], summary["wildcards"], summary["seeds"]) == ("copy", {"seed": "17"}, {"seed": 17})
    assert summary["settings"] == {"k": 3, "seed": 5}
    assert summary["device"] == summary["processor"]


def test_scratch_is_kept_on_failure_and_cleared_on_success(job: Job) -> None:
    def fail(job: Job) -> None:
        job.scratch.mkdir(parents=True)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        finish(fail, job)
    assert job.scratch.exists()
    assert "RuntimeError: broken" in job.log.read_text()
    finish(lambda job: None, job)
    assert not job.scratch.parent.exists()


def fill_scratch(job: Job) -> None:
    for name in ("fingerprint.json", "metrics.jsonl", "step00000003.json", "step00000003.safetensors"):
        write_text(job.scratch / name, name)


def test_scratch_is_never_left_in_part(job: Job) -> None:
    """A killed job runs again: what it finds of its work must be all of it, or none."""
    work = partial(finish_ignoring_stop, job)
    renamings = in_process(work).moments["os.rename"]
    points = [Moment("os.remove", number) for number in (1, 2, 3, 4)] + [Moment("os.rename", renamings)]
    left = []
    for at in points:
        assert in_process(work, at, Send(signal.SIGKILL)).code == -signal.SIGKILL, at
        left.append(len(list(job.scratch.glob("*"))))
    assert set(left) == {0, 4}, left  # the removal begins with a new name
    assert in_process(work).code == 0
    assert not job.scratch.parent.exists()


def finish_ignoring_stop(job: Job, stop: Any) -> None:
    finish(fill_scratch, job)


def test_a_log_that_cannot_be_written_is_told(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.log.parent.write_text("in the way of the folder")
    with pytest.raises(SystemExit) as exit_:
        finish(lambda job: None, job)
    assert exit_.value.code == 1
    assert f"ERROR in copy: {job.log}: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (KeyboardInterrupt(), EXIT_INTERRUPTED, "interrupted by Ctrl-C"),
        (UserError("is empty", where="a.txt", remedy="fill it"), 1, "ERROR in copy: a.txt: is empty\nRemedy: fill it"),
        (Interrupted("at step 3"), EXIT_INTERRUPTED, "copy: interrupted at step 3; run the same command again"),
    ],
)
def test_the_user_is_told(
    job: Job, capsys: pytest.CaptureFixture[str], outcome: BaseException, code: int, said: str
) -> None:
    def stop(job: Job) -> None:
        raise outcome

    with pytest.raises(SystemExit) as exit_:
        finish(stop, job)
    assert exit_.value.code == code
    assert said in capsys.readouterr().err


def test_an_unknown_stage_gets_the_nearest_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "speclm", "train_tokeniser", str(tmp_path / "job.json")]
    ended = subprocess.run(command, cwd=ROOT / "workflow", capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert 'did you mean "train_tokenizer"?' in ended.stderr


def test_help_names_the_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert speclm.__main__.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert "python -m speclm STAGE JOB.json" in said and "train_tokenizer" in said


def test_a_stage_may_map_more_files_than_a_shell_lets_it(tmp_path: Path) -> None:
    """The usual limit is 1,024 files at once, as many as C4 has shards."""
    script = """
import mmap, resource, sys
from speclm.stage.job import allow_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
allow_open_files()
with open(sys.argv[1], "wb+") as stream:
    stream.write(b"x")
    stream.flush()
    print(len([mmap.mmap(stream.fileno(), 1) for _ in range(100)]))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "file")]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "workflow")}
    )
    assert told.stdout == "100\n"
