"""What the machine makes of its cores: the laptop run's pretrainings by Snakemake, beside the same in one process.

A copy of the workflow is laid into a folder of its own, with the laptop's models, budgets and settings and a smaller
set of documents. Documents, tokens and clusters are made first and not timed. Then Snakemake trains all models on two
cores, one process each; its time runs from the first job's start to the last one's end, starting processes and loading
libraries included. Afterwards the very same jobs, from their job.json, are done back to back in one process of one
thread, its loading not counted.

The shortfall has two parts: cores without a job (Snakemake between two jobs, and the end, when one job is left), and
jobs that take longer than their work in one process (starting up, and the other core's traffic).

    run 60 s, one process 110 s: 1.83 times as fast, 92 % of two cores
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from speclm.bench.bench import Bench
from speclm.bench.contest import alone, tell
from speclm.bench.estimate import exact
from speclm.bench.table import Figures
from speclm.stage.files import read_json, read_table
from speclm.stage.job import finish, load

CORES = 2
PARTS = ["Snakefile", "config", "envs", "rules", "scripts", "workflow"]
# Documents, and what is fitted on them, as in the smoke preset: training does not depend on what the windows say.
SMALL_DATA = ["documents", "tokenizer", "embedder", "clusters"]


def run_over_process(bench: Bench) -> Figures:
    """Tokens/s of the run over those of one process, divided by the cores and not."""
    folder = bench.folder / "study"
    _copy_workflow(bench.repository, folder)
    (folder / "bench.yaml").write_text(yaml.safe_dump(overlay(folder)), encoding="utf-8")
    tell("laptop run: documents, tokens and clusters")
    _snakemake(folder, "--omit-from", "pretrain_model")
    tell("laptop run: Snakemake trains all models")
    _snakemake(folder, "--until", "pretrain_model")
    run_seconds, job_seconds, tokens = _of_run(folder / "results/bench")
    tell("laptop run: the same in one process")
    process_seconds = alone(partial(back_to_back, folder), bench.environment)
    tell("")
    return {
        f"laptop run over {CORES} x one process, tokens/s": exact(process_seconds / run_seconds / CORES),
        "laptop run over one process, tokens/s": exact(process_seconds / run_seconds),
        "laptop run, tokens/s": exact(tokens / run_seconds),
        "laptop run: share of core time with a job": exact(job_seconds / run_seconds / CORES),
        "laptop run: work in one process over seconds of jobs": exact(process_seconds / job_seconds),
    }


def overlay(folder: Path) -> dict[str, Any]:
    """What differs from the laptop study: its documents."""
    smoke = yaml.safe_load((folder / "config/smoke.yaml").read_text(encoding="utf-8"))
    small = {key: smoke[key] for key in SMALL_DATA if key in smoke}
    small["tokenizer"].pop("vocabulary")
    small["clusters"].pop("k")
    return {"run": "bench", **small}


def back_to_back(folder: Path) -> float:
    """Do every pretraining of a finished run again, here; seconds."""
    os.chdir(folder)
    sys.path.insert(0, str(folder / "scripts"))
    main = runpy.run_path("scripts/pretrain_model.py")["main"]
    jobs = [load(path) for path in sorted(Path("results/bench/logs/pretrain_model").rglob("*.job.json"))]
    import speclm.train.pretrain  # noqa: F401  (loading is not timed)

    started = time.perf_counter()
    for job in jobs:
        finish(main, job)
    return time.perf_counter() - started


def _copy_workflow(repository: Path, folder: Path) -> None:
    folder.mkdir()
    for name in PARTS:
        copy = partial(shutil.copytree, ignore=shutil.ignore_patterns("__pycache__"))
        (copy if (repository / name).is_dir() else shutil.copy2)(repository / name, folder / name)


def _snakemake(folder: Path, *arguments: str) -> None:
    """Run the workflow up to the pretrainings; raises RuntimeError with its last lines when it fails."""
    command = [sys.executable, "-m", "snakemake", "gather_metrics", "--cores", str(CORES), *arguments]
    command += ["--configfile", "bench.yaml"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{ended.stderr[-3000:]}")


def _of_run(results: Path) -> tuple[float, float, int]:
    """Seconds from the first pretraining's start to the last one's end, of all added up, and their tokens."""
    benchmarks = list((results / "benchmarks/pretrain_model").rglob("*.tsv"))
    seconds = [float(read_table(path)["s"][0]) for path in benchmarks]
    ends = [path.stat().st_mtime for path in benchmarks]  # each is written when its job ends
    starts = [end - taken for end, taken in zip(ends, seconds, strict=True)]
    tokens = sum(read_json(path)["tokens"] for path in (results / "pretrain").rglob("summary.json"))
    return max(ends) - min(starts), sum(seconds), tokens
