"""What a user can get wrong before a training: told with key and remedy, by the command too, and nothing is lost."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speclm.__main__ import main
from speclm.stage.errors import UserError
from speclm.stage.files import sole
from speclm.stage.job import load
from unit.train.studies import Study, contents

ROOT = Path(__file__).parents[3]
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def record(study: Study, tmp_path: Path) -> dict[str, Any]:
    """The job.json of a pretraining of 10 steps that works."""
    settings = {
        "kind": "slm",
        "clusters": 0,
        "vocabulary": study.size.vocabulary,
        "context": study.size.context,
        "shape": {key: getattr(study.size, key) for key in ("layers", "width", "heads", "inner")},
        "evaluate_batch": 4,
        "pretrain": {
            "budgets": [128, 320],
            "relative_cost": 1.0,
            "learning_rate": 0.01,
            "batch": 4,
            "micro_batch": 2,
            "warmup": 3,
            "cooldown": 0.2,
            "betas": [0.9, 0.99],
            "weight_decay": 0.0,
            "clip": 5.0,
            "save_every": 3,
            "evaluate_every": 4,
            "evaluate_windows": 6,
        },
        "engine": {**vars(study.engine)},
    }
    return {
        "name": "pretrain_model",
        "settings": settings,
        "inputs": {"train": str(study.generic.paths[0]), "heldout": str(study.heldout.paths[0])},
        "outputs": {"summary": str(tmp_path / "results/slm/summary.json")},
        "wildcards": {"method": "slm", "part": "all", "seed": "7"},
        "log": str(tmp_path / "logs/pretrain_model.log"),
        "revision": 1,
    }


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    """The folder of results, with something of an earlier run in it that no refusal may touch."""
    folder = tmp_path / "results/slm"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints/b128.json").write_text("of an earlier run")
    yield folder
    kept = {name: content for name, content in contents(folder).items() if ".scratch" not in name}
    assert kept == {"checkpoints/b128.json": b"of an earlier run"}


def told(record: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says when it refuses a job."""
    path = folder / "job.json"
    path.write_text(json.dumps(record))
    with pytest.raises(SystemExit) as ended:
        main(["pretrain_model", str(path)])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert re.search(r"^ERROR in pretrain_model: .*\nRemedy: .+", said.strip(), re.DOTALL), said
    assert "refused" in Path(record["log"]).read_text() and "Traceback" not in said
    return said


def test_the_job_itself_works(record: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps(record))
    command = [sys.executable, "-m", "speclm", "pretrain_model", str(tmp_path / "job.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "results/slm/checkpoints/b320.safetensors").exists()
    assert not list((tmp_path / "results/slm").glob(".*"))


def pretrain(**change: Any) -> Change:
    return lambda settings: settings["pretrain"].update(change)


def engine(**change: Any) -> Change:
    return lambda settings: settings["engine"].update(change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pretrain(budgets=[31, 320]), r"budgets: budget 31 gives slm 31 tokens, one step takes 32\nRemedy: raise"),
        (
            pretrain(cooldown=0.05),
            r"cooldown: budget 128 gives slm 4 steps, of which a cooldown of 0\.05 takes 0\nRemedy",
        ),
        (
            pretrain(cooldown=0.9),
            r"cooldown: budget 128 gives slm 4 steps, of which a cooldown of 0\.9 takes 4\nRemedy",
        ),
        (pretrain(warmup=4), r"warmup: the smallest budget has 4 steps: a warm-up of 4 and a cooldown of 1 do not fit"),
        (pretrain(micro_batch=3), r"micro_batch\w*: 3 does not divide batch\w* = 4\nRemedy: choose a divisor"),
        (pretrain(micro_batch=0), r"micro_batch\w*: 0 is not above zero\nRemedy: give a positive number"),
        (engine(device="tpu"), r'engine\.device: the device "tpu" is not on this machine\nRemedy: set it to "cpu"'),
        (engine(precision="tensorfloat32"), r'engine\.precision: a CPU has no tensorfloat32\nRemedy: set it to "float'),
        (engine(precision="float8"), r"engine: precision: \"float8\".*\nRemedy: one of"),
        (engine(shard=True), r"engine\.shard: there is nothing to divide over\nRemedy: use more processes"),
    ],
    ids=[
        "budget",
        "short cooldown",
        "long cooldown",
        "warm-up",
        "batch",
        "empty batch",
        "device",
        "dtype",
        "no such dtype",
        "shard",
    ],
)
def test_settings(
    record: dict[str, Any], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, said: str
) -> None:
    record = copy.deepcopy(record)
    change(record["settings"])
    assert re.search(said, told(record, tmp_path, capsys))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has the device")
def test_a_gpu_that_is_not_there(
    record: dict[str, Any], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record["settings"]["engine"]["device"] = "cuda"
    assert 'engine.device: the device "cuda" is not on this machine' in told(record, tmp_path, capsys)


def test_scratch_of_another_run(
    record: dict[str, Any], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.json").write_text(json.dumps(record))
    scratch = load(tmp_path / "job.json").scratch
    scratch.mkdir(parents=True)
    (scratch / "fingerprint.json").write_text('{"settings.context": 16}')
    (scratch / "step00000003.safetensors").write_bytes(b"work of somebody else")
    said = told(record, tmp_path, capsys)
    assert f"{scratch}: belongs to another run (inputs.heldout: None there, sha256:" in said
    assert "Remedy: delete this folder, or restore the settings it was made with" in said
    assert (scratch / "step00000003.safetensors").read_bytes() == b"work of somebody else"


def test_scratch_that_a_file_is_in_the_way_of(
    record: dict[str, Any], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (results / ".scratch-pretrain_model").write_text("in the way")
    said = told(record, tmp_path, capsys)
    assert re.search(r"\.scratch-pretrain_model/\w+: cannot be written: (Not a directory|File exists)\nRemedy: ", said)
    assert (results / ".scratch-pretrain_model").read_text() == "in the way"


@pytest.fixture
def read_only(tmp_path: Path, results: Path) -> Iterator[None]:
    """The folder of results on a file system that can only be read, which holds for root as well."""
    binding = ["mount", "--bind", str(results), str(results)]
    if os.geteuid() != 0 or subprocess.run(binding, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting needs root")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(results)], check=True)
    yield
    subprocess.run(["umount", str(results)], check=True)


@pytest.mark.usefixtures("read_only")
def test_scratch_on_a_disk_that_can_only_be_read(
    record: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(record, tmp_path, capsys)
    assert re.search(r"\.scratch-pretrain_model/\w+: cannot be written: Read-only file system\nRemedy: ", said)
    assert "or give write permission" in said


def test_scratch_that_another_process_works_in(
    record: dict[str, Any], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.json").write_text(json.dumps(record))
    scratch = load(tmp_path / "job.json").scratch
    with sole(scratch, scratch):
        said = told(record, tmp_path, capsys)
    assert f"{scratch}: another process is at work here\nRemedy: wait for its end" in said


@pytest.mark.parametrize("processes", [5, 8])
def test_more_processes_than_windows_of_a_batch(study: Study, processes: int) -> None:
    from speclm.train.ranks import require_shares

    with pytest.raises(UserError, match=rf"engine\.processes: {processes} processes for the 4 windows of a batch\nRem"):
        require_shares(study.optimization.batch_windows, 1, processes)


def test_a_store_without_a_window(
    store: Any, record: dict[str, Any], results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record["inputs"]["train"] = str(store.write("short", [np.array([1, 2, 3])]).paths[0])
    assert "there is no window to train on\nRemedy: give more text" in told(record, tmp_path, capsys)
