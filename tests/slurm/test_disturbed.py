"""The smoke study on a real SLURM of one node: disturbed as clusters do, it ends with the same bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from e2e.conftest import Clone, stable_bytes
from slurm.cluster import Cluster, UnavailableError, install, wait_for

CPUS, GPUS = 4, 2
PROFILE = "workflow/profiles/slurm"
COMMAND = [sys.executable, "-m", "snakemake", "--profile", PROFILE, "--cores", str(CPUS)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    try:
        install()
    except UnavailableError as reason:
        pytest.skip(f"no SLURM: {reason}")
    cluster = Cluster.start(CPUS, GPUS)
    yield cluster
    cluster.stop()


@dataclass(frozen=True)
class Training:
    """A pretraining at work in a job of SLURM, stopped (SIGSTOP) after a checkpoint: SLURM lets it go on to end it."""

    name: str  # slm/all/seed17
    job: str
    step: int  # of its newest checkpoint
    process: psutil.Process

    def told(self, clone: Clone) -> tuple[int, int]:
        """The step at which this job said it was interrupted, and the one at which its successor went on."""
        (log,) = clone.folder.glob(f".snakemake/slurm_logs/rule_pretrain_model/*/{self.job}.log")
        interrupted = re.findall(r"pretrain_model: interrupted at step (\d+)", log.read_text())
        log = clone.results / f"logs/pretrain_model/{self.name}.log"
        return int(interrupted[-1]), int(re.findall(r"going on at step (\d+)", log.read_text())[-1])


class Study:
    """A study that Snakemake runs through SLURM in a process of its own."""

    def __init__(self, clone: Clone, cluster: Cluster) -> None:
        self.clone, self.cluster = clone, cluster
        self.caught: list[Training] = []
        self.output = clone.folder / "said.txt"

    def begin(self, *targets: str) -> None:
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "--configfile", "config/smoke.yaml", "--", *targets],
                cwd=self.clone.folder,
                env=self.cluster.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def catch(self) -> Training:
        """Stop a pretraining that has a checkpoint and that was not caught before."""
        wait_for(self._catch, 600, "a pretraining with a checkpoint")
        return self.caught[-1]

    def _catch(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()[-6000:]
        known = {training.name for training in self.caught}
        for process in psutil.process_iter():
            try:
                if not "".join(process.cmdline()[-1:]).endswith("pretrain_model.py"):
                    continue
                job = process.environ()["SLURM_JOB_ID"]
            except (psutil.Error, KeyError):
                continue
            comment = self.cluster.ask("squeue", "--noheader", f"--jobs={job}", "--format=%k")
            name = "{}/{}/seed{}".format(*comment.removeprefix("rule_pretrain_model_wildcards_").rsplit("_", 2))
            if name in known or not (step := self._newest(name)):
                continue
            process.suspend()
            if process.is_running() and self._newest(name):  # not ended just now
                self.caught.append(Training(name, job, step, process))
                return True
        return False

    def _newest(self, name: str) -> int:
        steps = self.clone.results.glob(f"pretrain/{name}/.scratch-pretrain_model/*/step*.json")
        return max((int(path.stem.removeprefix("step")) for path in steps), default=0)


def test_disturbed_in_every_way_it_ends_with_the_same_bytes(
    smoke: Clone, new_clone: Callable[[], Clone], cluster: Cluster
) -> None:
    study = Study(clone := new_clone(), cluster)
    study.begin()

    cancelled = study.catch()
    cluster.ask("scancel", cancelled.job)

    preempted = study.catch()
    cluster.ask("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true")

    orphaned = study.catch()
    study.process.kill()
    study.process.wait()
    assert orphaned.job in cluster.ask("squeue", "--noheader", "--format=%i")  # its job has not ended with Snakemake
    study.begin()
    wait_for(lambda: not orphaned.process.is_running(), 120, "the end of the orphaned training")

    late = study.catch()
    cluster.ask("scontrol", "update", f"JobId={late.job}", "TimeLimit=1")
    cluster.end("slurmctld")
    time.sleep(5)
    cluster.begin("slurmctld")

    study.process.wait(timeout=1200)
    said = study.output.read_text()
    assert study.process.returncode == 0, said[-6000:]
    assert "Jobs of a run that was killed save and end. Waiting for them." in said
    assert f"SLURM-job '{cancelled.job}' failed, SLURM status is: 'CANCELLED'" in said
    assert f"SLURM-job '{late.job}' failed, SLURM status is: 'TIMEOUT'" in said
    for training in (cancelled, preempted, orphaned, late):
        interrupted, went_on = training.told(clone)
        assert training.step <= interrupted <= went_on, training

    expected, found = stable_bytes(smoke.results), stable_bytes(clone.results)
    assert [name for name in found if found[name] != expected[name]] == []
    assert not list(clone.results.glob("**/.scratch-*/*"))


def test_processes_of_one_pretraining_share_one_job(smoke: Clone, cluster: Cluster, tmp_path: Path) -> None:
    """The job has one task with a CPU and a (stand-in) GPU for each process that the engine starts."""
    clone = Clone(tmp_path / "clone")
    shutil.copytree(smoke.folder, clone.folder)
    (clone.folder / "change.yaml").write_text(f"engine: {{processes: {GPUS}}}\npretrain: {{micro_batch: 4}}\n")
    target = "results/smoke/pretrain/slm/all/seed17/summary.json"
    command = [
        *COMMAND,
        *("--configfile", "config/smoke.yaml", "change.yaml", "--force", "--allowed-rules", "pretrain_model"),
        *("--set-resources", f"pretrain_model:gpu={GPUS}", "--slurm-keep-successful-logs", "--", target),
    ]
    ended = subprocess.run(
        command, cwd=clone.folder, env=cluster.environment(), capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stderr[-6000:]
    job = cluster.ask("scontrol", "show", "job", re.findall(r"SLURM jobid (\d+)", ended.stderr)[-1])
    assert f"NumNodes=1 NumCPUs={GPUS} NumTasks=1 CPUs/Task={GPUS}" in job
    assert f"TRES=cpu={GPUS},mem={2500 * GPUS}M,node=1" in job
    assert f"TresPerJob=gres:gpu:{GPUS}" in job
    assert json.loads((clone.folder / target).read_text())["engine"]["processes"] == GPUS

    weights = clone.results / "pretrain/slm/all/seed17/checkpoints/b80000.safetensors"
    on_slurm = weights.read_bytes()
    shutil.rmtree(weights.parent)
    record = "results/smoke/logs/pretrain_model/slm/all/seed17.job.json"
    command = [sys.executable, "-m", "speclm", "pretrain_model", record]
    subprocess.run(command, cwd=clone.folder, env={**os.environ, "PYTHONPATH": "workflow"}, check=True, timeout=600)
    assert weights.read_bytes() == on_slurm
