"""Where a result comes from: the stages that made it, back to corpus and seed, from their records alone.

In goes a file of results/{run}/; out come its stage and every stage before it, each after all that used what it made:

    1  make_table  table=8
       read  metrics  results/laptop/metrics.tsv  4c1e09d2f00a  from 2
    2  gather_metrics
       …

A file that a stage read is compared with what it was then: by its checksum or, where it has not been touched since that
stage began, by the time that its file system gives for its last change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, sha256
from speclm.stage.logs import find_logs

Record = Mapping[str, Any]  # a summary.json, as `speclm.stage.summary` describes it
EXAMPLE = "results/laptop/tables/table_8.md"


@dataclass(frozen=True)
class Read:
    """A file that a stage read.

    Attributes:
        maker: the number of the step that made it; 0 where none did: a file of the repository, or the user's own.
        change: what became of it since; empty where it is what the stage read.
    """

    name: str
    path: str
    sha256: str
    maker: int
    change: str


@dataclass(frozen=True)
class Step:
    """A stage that ran: its number in the chain, its record, what it read."""

    number: int
    record: Record
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class Chain:
    """The steps behind a file; `change` says what became of the file itself since the first of them wrote it."""

    path: str
    change: str
    steps: tuple[Step, ...]

    @property
    def broken(self) -> list[int]:
        """Numbers of the steps that read what is no longer there."""
        return [step.number for step in self.steps if any(read.change for read in step.reads)]


def trace(file: Path) -> Chain:
    """The steps behind a result: first the one that made it, last those that read nothing of the run.

    Raises:
        UserError: no such file, no stage made it, or its stage left no record.
    """
    run, path = _find(file)
    records = run.behind(path)
    number = {identity(record): place for place, record in enumerate(records, start=1)}
    steps = []
    for place, record in enumerate(records, start=1):
        reads = []
        for file_read in record["inputs"]:
            maker = run.maker(file_read["path"])
            change = run.change(file_read, maker, since=datetime.fromisoformat(record["started"]).timestamp())
            reads.append(Read(**file_read, maker=number[identity(maker)] if maker else 0, change=change))
        steps.append(Step(place, record, tuple(reads)))
    first = records[0]
    written = next((output for output in first["outputs"] if output["path"] == path), None)
    change = run.change(written, None, since=0.0) if written else ""
    return Chain(path, change, tuple(steps))


def identity(record: Record) -> str:
    """What tells a stage's record from all others of its run."""
    return str(record["outputs"][0]["path"])


@dataclass(frozen=True)
class _Run:
    """The records of a run's stages, in logs/ of its folder, results/{run}."""

    folder: Path

    @property
    def base(self) -> Path:
        """The folder that paths in records start from: where Snakemake ran."""
        return self.folder.parents[1]

    @cached_property
    def makers(self) -> dict[str, Record]:
        """The record of every output's stage. (Stages of older versions did not record their outputs.)"""
        records = (read_json(path) for path in find_logs(self.folder / "logs", ".summary.json"))
        return {file["path"]: record for record in records for file in record.get("outputs", [])}

    def maker(self, path: str) -> Record | None:
        """The record of the stage that made a file: as an output, within one, or as the sidecar of one."""
        file = Path(path)
        names = [file, *file.parents, *([file.with_suffix("")] if file.suffix == ".json" else [])]
        return next((self.makers[str(name)] for name in names if str(name) in self.makers), None)

    def behind(self, path: str) -> list[Record]:
        """The records behind a file, each before those of the stages that it read from."""
        done: dict[str, Record] = {}

        def visit(record: Record) -> None:
            for file in record["inputs"]:
                maker = self.maker(file["path"])
                if maker and identity(maker) not in done:
                    visit(maker)
            done[identity(record)] = record

        first = self.maker(path)
        assert first is not None
        visit(first)
        return list(done.values())[::-1]

    def change(self, recorded: Mapping[str, str], maker: Record | None, since: float) -> str:
        """What became of a file after the moment `since`, in seconds since the epoch."""
        place = self.base / recorded["path"]
        if not place.exists():
            return "is gone"
        # the time of the last change of status, which unlike that of the content nobody can set back
        if max(path.stat().st_ctime for path in (place, *place.rglob("*"))) < since:
            return ""
        now = sha256(place)
        if now == recorded["sha256"]:
            return ""
        made = {output["path"]: output["sha256"] for output in maker["outputs"]} if maker else {}
        return "was made anew since" if made.get(recorded["path"]) == now else "was changed since"

    def unrecorded(self, path: str) -> Path | None:
        """Where the record of a file's stage should be, if its job.json tells of the stage."""
        for job in find_logs(self.folder / "logs", ".job.json"):
            outputs = read_json(job)["outputs"].values()
            if any(path in (output if isinstance(output, list) else [output]) for output in outputs):
                return job.with_name(job.name.replace(".job.json", ".summary.json")).relative_to(self.base)
        return None


def _find(file: Path) -> tuple[_Run, str]:
    """The run that a file belongs to, and the file's path as records name it."""
    if not file.exists():
        raise UserError(
            "no such file", where=file, remedy=f"name a result of a finished run, such as {EXAMPLE} after make demo"
        )
    place = file.resolve()
    folder = next((parent for parent in place.parents if (parent / "logs").is_dir()), None)
    if folder is None:
        raise UserError(
            "belongs to no run: no folder above it holds the records of stages (logs/)",
            where=file,
            remedy=f"name a result of a run, such as {EXAMPLE}; published results have run.json instead",
        )
    run = _Run(folder)
    path = str(place.relative_to(run.base))
    if run.maker(path):
        return run, path
    summary = run.unrecorded(path)
    if summary is None:
        raise UserError("no stage of this run made it", where=file, remedy=f"name a stage's output, such as {EXAMPLE}")
    raise UserError(
        f"is not there, or of an older version: the record of the stage that made {path}",
        where=summary,
        remedy=f"make the file anew: snakemake --cores 2 --force {path}, with the --configfile of its run",
    )
