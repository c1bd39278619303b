"""Tracking stores for tests: one prepared database, copied; and what a store holds, whatever its runs are called."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def address(database: Path) -> str:
    return f"sqlite:///{database}"


def contents(client: Any, experiment: str) -> dict[str, Any]:
    """Every run by the id of its entry: what is stored of it, its curve, and the entry that it stands below."""
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id], max_results=1000)
    entries = {run.info.run_id: run.data.tags["entry"] for run in found}
    return {
        entries[run.info.run_id]: {
            **{"name": run.info.run_name, "status": run.info.status, "parameters": run.data.params},
            **{"metrics": run.data.metrics, "times": (run.info.start_time, run.info.end_time)},
            "parent": entries.get(run.data.tags.get("mlflow.parentRunId", "")),
            "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
            "curve": history(client, run, "train/loss"),
        }
        for run in found
    }


def history(client: Any, run: Any, key: str) -> list[tuple[int, float]]:
    if key not in run.data.metrics:
        return []
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]


@contextmanager
def file_system(folder: Path, size: str) -> Iterator[Path]:
    """A small file system of its own, which root may make."""
    folder.mkdir()
    if os.geteuid() != 0 or mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)) != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
