"""Studies on a real SLURM of one node: disturbed as clusters do, they end with the same bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from e2e.cluster import Cluster, install, wait_for
from e2e.conftest import Clone, assert_same, copy_run
from e2e.packages import UnavailableError

CPUS, GPUS = 4, 2
PROFILE = "workflow/profiles/slurm"
COMMAND = [sys.executable, "-m", "snakemake", "--profile", PROFILE, "--cores", str(CPUS)]
COMMAND += ["--configfile", "config/smoke.yaml"]
SLM = "results/smoke/pretrain/slm/all/seed17"
LATEST = 100  # checkpoint at which a training is caught, of 156 steps
ALONE = ["--force", "--allowed-rules", "pretrain_model", "--", f"{SLM}/summary.json"]  # this training again


@contextmanager
def running(accounting: bool) -> Iterator[Cluster]:
    """A SLURM of this machine's own, for as long as it is needed."""
    try:
        install()
    except UnavailableError as reason:
        pytest.skip(f"no SLURM: {reason}")
    cluster = Cluster.start(CPUS, GPUS, accounting)
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running(accounting=False) as cluster:
        yield cluster


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

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: object) -> None:
        """A study that a failed test left does not outlive it."""
        self.process.kill()
        self.process.wait()

    def begin(self, *arguments: str) -> None:
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.clone.folder,
                env=self.cluster.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def catch(self) -> Training:
        """Stop a pretraining that has saved a checkpoint in this job of its and that was not caught before."""
        wait_for(self._catch, 1200, "a pretraining with a checkpoint")
        return self.caught[-1]

    def end(self) -> str:
        """Wait for Snakemake's end; what it has said since the first beginning."""
        self.process.wait(timeout=1800)
        said = self.output.read_text()
        assert self.process.returncode == 0, said[-6000:]
        return said

    def _catch(self) -> bool:
        assert self.process.poll() is None, self.output.read_text()[-6000:]
        pretrain = self.clone.results / "pretrain"
        scratch = {path.parents[2] for path in pretrain.glob("*/*/seed*/.scratch-pretrain_model/*/step*.json")}
        names = {str(folder.relative_to(pretrain)) for folder in scratch} - {one.name for one in self.caught}
        # SLURM lets a stopped process go on before it asks it to end: an expert's few steps may be over by then.
        names = {name for name in names if not name.startswith("slm_mix/")}
        for process in psutil.process_iter() if names else []:
            try:
                if not "".join(process.cmdline()[-1:]).endswith("pretrain_model.py"):
                    continue
                job = process.environ()["SLURM_JOB_ID"]
            except (psutil.Error, KeyError):
                continue
            comment = self.cluster.ask("squeue", "--noheader", f"--jobs={job}", "--format=%k")
            name = "{}/{}/seed{}".format(*comment.removeprefix("rule_pretrain_model_wildcards_").rsplit("_", 2))
            if name not in names or not self._newest(name, process):
                continue
            process.suspend()
            if process.is_running() and 0 < (step := self._newest(name, process)) <= LATEST:  # not ended just now
                self.caught.append(Training(name, job, step, process))
                return True
            with suppress(psutil.Error):
                process.resume()
        return False

    def _newest(self, name: str, process: psutil.Process) -> int:
        """The newest checkpoint that this process has saved; 0: none."""
        newest = 0
        for file in self.clone.results.glob(f"pretrain/{name}/.scratch-pretrain_model/*/step*.json"):
            with suppress(FileNotFoundError):  # the next one has taken its place
                if file.stat().st_mtime > process.create_time():
                    newest = max(newest, int(file.stem.removeprefix("step")))
        return newest


def test_disturbed_in_every_way_it_ends_with_the_same_bytes(
    smoke: Clone, new_clone: Callable[[], Clone], cluster: Cluster
) -> None:
    with Study(clone := new_clone(), cluster) as study:
        study.begin()  # and again below, the same command

        cancelled = study.catch()
        cluster.ask("scancel", cancelled.job)

        preempted = study.catch()
        cluster.ask("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true")

        orphaned = study.catch()
        study.process.kill()
        study.process.wait()
        assert orphaned.job in cluster.ask("squeue", "--noheader", "--format=%i")  # it has not ended with Snakemake
        study.begin()
        wait_for(lambda: not orphaned.process.is_running(), 300, "the end of the orphaned training")

        late = study.catch()
        cluster.ask("scontrol", "update", f"JobId={late.job}", "TimeLimit=1")
        cluster.end("slurmctld")
        time.sleep(5)
        cluster.begin("slurmctld")

        said = study.end()
    assert "Jobs of a run that was killed save and end. Waiting for them." in said
    assert f"SLURM-job '{cancelled.job}' failed, SLURM status is: 'CANCELLED'" in said
    # The profile has SLURM ask for the end two minutes before the limit; what has not ended by then is a TIMEOUT.
    assert re.search(f"SLURM-job '{late.job}' failed, SLURM status is: '(FAILED|TIMEOUT)'", said)
    for training in (cancelled, preempted, orphaned, late):
        interrupted, went_on = training.told(clone)
        assert training.step <= interrupted <= went_on, training
    assert_same(clone, smoke)


def test_with_accounting_the_account_is_charged_and_a_cancelled_training_goes_on(smoke: Clone, tmp_path: Path) -> None:
    clone = copy_run(smoke, tmp_path)
    with running(accounting=True) as cluster, Study(clone, cluster) as study:
        study.begin(*ALONE)
        cancelled = study.catch()
        cluster.ask("scancel", cancelled.job)
        said = study.end()
        jobs = cluster.ask("sacct", "--allocations", "--noheader", "--parsable2", "--format=JobID,State,Account")
    assert f"SLURM-job '{cancelled.job}' failed, SLURM status is: 'CANCELLED'" in said
    (first, state, account), (_, ended, again) = sorted(line.split("|") for line in jobs.splitlines())
    assert (first, account, ended, again) == (cancelled.job, "project", "COMPLETED", "project")
    assert state.startswith("CANCELLED")
    interrupted, went_on = cancelled.told(clone)
    assert cancelled.step <= interrupted <= went_on
    weights = f"{SLM}/checkpoints/b80000.safetensors"
    assert (clone.folder / weights).read_bytes() == (smoke.folder / weights).read_bytes()


def test_processes_of_one_pretraining_share_one_job(smoke: Clone, cluster: Cluster, tmp_path: Path) -> None:
    """The job has one task with a CPU and a (stand-in) GPU for each process that the engine starts."""
    clone = copy_run(smoke, tmp_path)
    (clone.folder / "change.yaml").write_text(f"engine: {{processes: {GPUS}}}\npretrain: {{micro_batch: 4}}\n")
    command = [
        *(*COMMAND, "change.yaml", "--slurm-keep-successful-logs"),
        *("--set-resources", f"pretrain_model:gpu={GPUS}", *ALONE),
    ]
    ended = subprocess.run(
        command, cwd=clone.folder, env=cluster.environment(), capture_output=True, text=True, check=False, timeout=1200
    )
    assert ended.returncode == 0, ended.stderr[-6000:]
    job = cluster.ask("scontrol", "show", "job", re.findall(r"SLURM jobid (\d+)", ended.stderr)[-1])
    assert f"NumNodes=1 NumCPUs={GPUS} NumTasks=1 CPUs/Task={GPUS}" in job
    assert f"TRES=cpu={GPUS},mem={2500 * GPUS}M,node=1" in job
    assert f"TresPerJob=gres:gpu:{GPUS}" in job
    assert json.loads((clone.folder / SLM / "summary.json").read_text())["engine"]["processes"] == GPUS

    weights = clone.folder / SLM / "checkpoints/b80000.safetensors"
    on_slurm = weights.read_bytes()
    shutil.rmtree(weights.parent)
    record = "results/smoke/logs/pretrain_model/slm/all/seed17.job.json"
    command = [sys.executable, "-m", "speclm", "pretrain_model", record]
    subprocess.run(command, cwd=clone.folder, env={**os.environ, "PYTHONPATH": "workflow"}, check=True, timeout=1200)
    assert weights.read_bytes() == on_slurm
