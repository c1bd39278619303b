"""A stage is a program: a `Job` in, files out, and no word of Snakemake beyond this module.

A script's last lines call ``run(main, snakemake)``. That turns Snakemake's object into a plain `Job`, writes it as
job.json beside the log, calls ``main(job)``, and writes a summary of what was done. The same stage runs without
Snakemake, with the same bytes as its result:

    python -m speclm train_tokenizer results/laptop/logs/train_tokenizer.job.json

What goes wrong ends in the log with its traceback; a `UserError` also tells the user on the terminal.
"""

from __future__ import annotations

import logging
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, unwritable, write_json
from speclm.stage.fingerprint import Fingerprint, fingerprint, short_hash
from speclm.stage.interrupt import EXIT_INTERRUPTED, Interrupted
from speclm.stage.launch import launch, rank, tell_launcher
from speclm.stage.occupancy import ended_with_workflow
from speclm.stage.summary import describe

Paths = dict[str, Any]  # name -> Path or list of Paths
Main = Callable[["Job"], "dict[str, Any] | None"]


@dataclass(frozen=True)
class Job:
    """One run of one stage.

    Attributes:
        name: the rule's and the script's name.
        settings: the slice of the configuration that this stage uses.
        inputs, outputs: named paths; a name that stands for several files holds a list.
        wildcards: the values that tell this job from the rule's others (method, domain, seed).
        log: the log file; job.json and summary.json stand beside it.
        revision: the stage's revision: raised when its library code changes results.
    """

    name: str
    settings: dict[str, Any]
    inputs: Paths
    outputs: Paths
    wildcards: dict[str, str]
    log: Path
    revision: int

    @cached_property
    def fingerprint(self) -> Fingerprint:
        """What makes this job itself: settings, wildcards, revision, contents of its inputs."""
        return fingerprint({**self.settings, "wildcards": self.wildcards}, self.revision, self.inputs)

    @property
    def scratch(self) -> Path:
        """The folder for work in progress: beside the first output, named by the fingerprint, gone after success."""
        first = next(iter(self.outputs.values()))
        folder = (first[0] if isinstance(first, list) else first).parent
        return Path(folder) / f".scratch-{self.name}" / short_hash(self.fingerprint)

    @property
    def seed(self) -> int:
        """The seed of this job: its wildcard where it has one, else the settings'."""
        return int(self.wildcards.get("seed", self.settings.get("seed", 0)))


def run(main: Main, snakemake: Any) -> None:
    """Run a script's `main` as Snakemake started it."""
    start(main, _from_snakemake(snakemake))


def load(path: str | Path) -> Job:
    """Read the job.json that an earlier run left."""
    record = read_json(path)
    paths = {
        key: {
            name: [Path(p) for p in value] if isinstance(value, list) else Path(value)
            for name, value in record[key].items()
        }
        for key in ("inputs", "outputs")
    }
    return Job(**{**record, **paths, "log": Path(record["log"])})


def start(main: Main, job: Job) -> None:
    """Run a stage in as many processes as its settings ask for: here, or in processes started for it."""
    processes = job.settings.get("engine", {}).get("processes", 1)
    allow_open_files()
    with ended_with_workflow():
        if processes == 1 or rank() is not None:
            finish(main, job)
        else:
            with _reported(job, job.log):
                launch(job.name, _record(job), processes)


def finish(main: Main, job: Job) -> None:
    """Call ``main(job)`` with its log, record the job before and its summary after, and clear its scratch.

    Of several processes the first one records and clears; each has its log.
    """
    number = rank() or 0
    with _reported(job, job.log if number == 0 else job.log.with_suffix(f".rank{number}.log")):
        if number > 0:
            main(job)
            return
        _record(job)
        started = time.time()
        facts = main(job) or {}
        write_json(
            job.log.with_suffix(".summary.json"),
            {
                **{"stage": job.name, "wildcards": job.wildcards, "revision": job.revision},
                **describe(job.settings, job.inputs, job.outputs, job.fingerprint, started),
                "facts": _jsonable(facts),
            },
        )
    _clear(job.scratch)


def allow_open_files() -> None:
    """As many as the system lets this process have: a mapped file stays open, and C4 has 1,024 shards."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def _reported(job: Job, path: Path) -> Iterator[None]:
    """Open the log, and end the process as its block ended: what the user must know stands there and is told."""
    log = logging.getLogger(__name__)
    try:
        _open_log(path)
        yield
    except Interrupted as stop:
        log.info("interrupted: %s", stop)
        print(f"{job.name}: interrupted {stop}; run the same command again to go on from there", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except KeyboardInterrupt:  # Ctrl-C, which reaches Snakemake too: it says the rest
        log.info("interrupted by Ctrl-C")
        print(f"{job.name}: interrupted by Ctrl-C", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except UserError as error:
        log.exception("refused")
        if rank() is None:
            print(f"\nERROR in {job.name}: {error}\n", file=sys.stderr)
        else:
            tell_launcher(str(error))
        sys.exit(1)
    except BaseException:
        log.exception("failed")
        raise


def _record(job: Job) -> Path:
    path = job.log.with_suffix(".job.json")
    write_json(path, _jsonable(asdict(job)))
    return path


def _open_log(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers = [logging.FileHandler(path, mode="a", encoding="utf-8")]
    except OSError as error:
        raise unwritable(path, error) from error
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers, force=True)


def _clear(scratch: Path) -> None:
    """Remove a finished job's scratch, first its name: a half removed one must not be taken for work to go on with."""
    removed = scratch.with_suffix(".removed")
    shutil.rmtree(removed, ignore_errors=True)  # of a process that was killed right here
    with suppress(OSError):  # absent
        scratch.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
    with suppress(OSError):  # absent, or work of another job stands there
        scratch.parent.rmdir()


def _from_snakemake(snakemake: Any) -> Job:
    params = dict(snakemake.params.items())
    return Job(
        name=snakemake.rule,
        settings=params["settings"],
        inputs=_named(snakemake.input),
        outputs=_named(snakemake.output),
        wildcards={key: str(value) for key, value in sorted(snakemake.wildcards.items())},
        log=Path(str(snakemake.log[0])),
        revision=int(params["revision"]),
    )


def _named(files: Any) -> Paths:
    """Snakemake's named list as a mapping; a name over several files gives a list."""
    return {
        name: Path(value) if isinstance(value, str) else [Path(item) for item in value]
        for name, value in sorted(files.items())
    }


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, Path) else value
