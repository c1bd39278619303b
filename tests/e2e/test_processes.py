"""Two processes of one pretraining, started, killed, stopped and refused as a user would meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from speclm.data.windows import write_store
from speclm.stage.files import write_json
from speclm.stage.interrupt import EXIT_INTERRUPTED
from speclm.stage.occupancy import VARIABLE

ROOT = Path(__file__).parents[2]
STEPS, BATCH, CONTEXT = 200, 4, 8


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Path]:
    """Write the job.json of a small pretraining by two processes."""
    for split in ("train", "heldout"):
        tokens = np.random.default_rng(3).integers(0, 32, 400)
        write_store([(tokens, 800, 900)], CONTEXT, 32, "0" * 64, tmp_path / f"{split}.bin")
    pretrain = {
        "budgets": [STEPS * BATCH * CONTEXT],
        "relative_cost": 1.0,
        "batch": BATCH,
        "micro_batch": 1,
        "learning_rate": 0.01,
        "warmup": 2,
        "cooldown": 0.2,
        "clip": 5.0,
        "betas": [0.9, 0.99],
        "weight_decay": 0.0,
        "evaluate_every": 50,
        "evaluate_windows": 8,
        "save_every": 4,
    }
    engine = {"device": "cpu", "threads": 1, "precision": "float32", "compile": False, "processes": 2, "shard": False}

    def write(name: str, **changes: Any) -> Path:
        folder = tmp_path / name
        record = {
            "name": "pretrain_model",
            "settings": {
                "kind": "slm",
                "engine": engine,
                "pretrain": pretrain | changes,
                "shape": {"layers": 1, "width": 8, "heads": 1, "inner": 16},
                "projection": None,
                "vocabulary": 32,
                "context": CONTEXT,
                "clusters": None,
                "evaluate_batch": 8,
            },
            "inputs": {split: str(tmp_path / f"{split}.bin") for split in ("train", "heldout")},
            "outputs": {
                "checkpoints": str(folder / "checkpoints"),
                "metrics": str(folder / "metrics.jsonl"),
                "summary": str(folder / "summary.json"),
            },
            "wildcards": {"method": "slm", "part": "all", "seed": "7"},
            "log": str(folder / "logs/stage.log"),
            "revision": 1,
        }
        write_json(tmp_path / f"{name}.json", record)
        return tmp_path / f"{name}.json"

    return write


def begin(job: Path, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "speclm", "pretrain_model", str(job)]
    return subprocess.Popen(
        command, cwd=ROOT / "workflow", env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    )


def begin_workflow(run: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that occupies a run as a workflow does, and what it tells its stages."""
    code = "import sys, pathlib, speclm.stage.occupancy as o; print(o.occupy(pathlib.Path(sys.argv[1]))); input()"
    command, pipe = [sys.executable, "-u", "-c", code, str(run)], subprocess.PIPE
    process = subprocess.Popen(command, cwd=ROOT / "workflow", stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def checkpoints(job: Path) -> list[str]:
    return sorted(path.name for path in job.with_suffix("").glob(".scratch*/*/step*.json"))


def results(job: Path) -> dict[str, bytes]:
    folder = job.with_suffix("")
    return {name: (folder / name).read_bytes() for name in ("metrics.jsonl", f"checkpoints/b{STEPS * 32}.safetensors")}


def wait_for(happened: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """Wait until it happened, while the process runs."""
    while not (found := happened()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return found


def ranks(process: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return sorted(children, key=lambda child: int(child.environ()["RANK"]))


def test_killed_refused_stopped_and_run_again_it_ends_with_the_same_bytes(job: Callable[..., Path]) -> None:
    whole, cut = job("whole"), job("cut")
    undisturbed = begin(whole)

    killed = begin(cut)
    wait_for(lambda: checkpoints(cut), killed)
    ranks(killed)[1].send_signal(signal.SIGKILL)
    at = time.monotonic()
    said = killed.communicate()[1]
    assert killed.returncode == 1 and time.monotonic() - at < 10
    assert said.strip().startswith("ERROR in pretrain_model: process 1 of 2 was ended by SIGKILL\nRemedy: run the same")
    assert "process 1 of 2 was ended by SIGKILL" in (cut.with_suffix("") / "logs/stage.log").read_text()

    (owner,) = cut.with_suffix("").glob(".scratch*/*/fingerprint.json")
    mine = owner.read_text()
    owner.write_text(json.dumps(json.loads(mine) | {"revision": 0}))
    refused = begin(cut)  # by the first process; the other only loses its peer
    said = refused.communicate()[1]
    assert refused.returncode == 1 and said.count("belongs to another run (revision: 0 there, 1 here)") == 1
    assert said.count("ERROR") == said.count("Remedy") == 1 and "Traceback" not in said
    owner.write_text(mine)

    before = checkpoints(cut)
    stopped = begin(cut)
    wait_for(lambda: checkpoints(cut) != before, stopped)
    stopped.send_signal(signal.SIGTERM)
    said = stopped.communicate()[1]
    assert stopped.returncode == EXIT_INTERRUPTED and "run the same command again" in said and "ERROR" not in said

    before = checkpoints(cut)
    orphaned = begin(cut)
    wait_for(lambda: checkpoints(cut) != before, orphaned)
    left = ranks(orphaned)
    orphaned.kill()
    assert psutil.wait_procs(left, timeout=10)[1] == []  # they save and end, or would write into the next run's files
    orphaned.communicate()

    before = checkpoints(cut)
    workflow, told = begin_workflow(cut.parent / "run")
    deserted = begin(cut, **{VARIABLE: told})
    wait_for(lambda: checkpoints(cut) != before, deserted)
    left = ranks(deserted)
    workflow.kill()
    workflow.communicate()
    assert deserted.wait(timeout=60) == EXIT_INTERRUPTED and psutil.wait_procs(left, timeout=1)[1] == []
    deserted.communicate()

    again = begin(cut)
    assert again.communicate()[1] == "" and again.returncode == 0
    assert undisturbed.communicate()[1] == "" and undisturbed.returncode == 0
    assert results(cut) == results(whole)
    logs = cut.with_suffix("") / "logs"
    assert {path.name for path in logs.iterdir()} == {
        "stage.log",
        "stage.rank1.log",
        "stage.job.json",
        "stage.summary.json",
    }
    assert not list(cut.with_suffix("").glob(".scratch*"))


def test_an_error_of_every_process_is_told_once(job: Callable[..., Path]) -> None:
    process = begin(job("divided", batch=3))
    said = process.communicate()[1]
    assert process.returncode == 1
    assert said.strip() == (
        "ERROR in pretrain_model: micro_batch: 2 processes of 1 windows at a time do not divide a batch of 3\n"
        "Remedy: choose a divisor of batch / processes: every step must see exactly batch windows"
    )
