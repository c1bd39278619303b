"""Jobs that ended well, as they are found in a results folder, and which of them made the inputs of which.

In: what every stage leaves beside its log, job.json and summary.json. Out: the jobs whose outputs are there:

    pretrain_model {method: slm} -> …/checkpoints -> specialize_model {method: slm, domain: sympy} -> …/models
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, sha256
from speclm.stage.job import Job, load
from speclm.stage.logs import find_logs


@dataclass(frozen=True, eq=False)
class Finished:
    """A job and its summary: settings, fingerprint, seconds, commit, host, facts. No two are equal."""

    job: Job
    summary: Mapping[str, Any]

    @property
    def metrics(self) -> Path:
        """The journal of a training, the table of a study."""
        path: Path = self.job.outputs["metrics"]
        return path

    @property
    def content(self) -> dict[str, Any]:
        """What the job is, and what came of it."""
        return {**self.summary["fingerprint"], "outputs.metrics": sha256(self.metrics)}

    def journal(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl.

        Raises:
            UserError: one is damaged.
        """
        try:
            return [json.loads(line) for line in self.metrics.read_text(encoding="utf-8").splitlines()]
        except json.JSONDecodeError as error:
            remedy = "delete the file and run the workflow again"
            raise UserError(f"not valid JSON ({error})", where=self.metrics, remedy=remedy) from error


def read_finished(run: Path) -> tuple[list[Finished], list[Finished]]:
    """The trainings (their metrics are a journal) and the studies (theirs are a table) of a results folder.

    Raises:
        UserError: no training is finished, or a file is damaged.
    """
    found = [_read(path) for path in find_logs(run / "logs", ".job.json")]
    jobs = [done for done in found if done]
    trainings = [done for done in jobs if done.metrics.suffix == ".jsonl"]
    if not trainings:
        raise UserError("holds no finished training", where=run, remedy="run the workflow of this preset to its end")
    return trainings, [done for done in jobs if done.metrics.suffix == ".tsv"]


def makers(jobs: Collection[Finished], name: str) -> dict[Finished, tuple[Finished, ...]]:
    """For each job, those that made its inputs of this name, in the inputs' order."""
    made = {path: done for done in jobs for path in _paths(done.job.outputs)}
    inputs = {done: _paths({name: done.job.inputs.get(name, [])}) for done in jobs}
    return {done: tuple(made[path] for path in paths if path in made) for done, paths in inputs.items()}


def _read(path: Path) -> Finished | None:
    job, summary = load(path), path.with_name(path.name.replace(".job.json", ".summary.json"))
    left = "metrics" in job.outputs and summary.exists() and all(made.exists() for made in _paths(job.outputs))
    return Finished(job, read_json(summary)) if left else None


def _paths(named: Mapping[str, Any]) -> list[Path]:
    return [path for value in named.values() for path in (value if isinstance(value, list) else [value])]
