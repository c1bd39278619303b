"""How far a run is and how long it will still take, told once in a while on the terminal.

In go the workflow as Snakemake holds it and what its jobs are expected to take; out come lines. What has ended, in this
run or in an earlier one that it goes on from, teaches what the rest will take (pace.py): a range while little is known.

    [ 0:09]  2 of 118 jobs, 1 % of the work, 12 to 20 min left
    [ 9:40]  38 of 118 jobs, 48 % of the work, about 10 min left
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.graph import Node
from speclm.stage.pace import Ended, Left, State, Task, in_words, time_left

TAIL = 4096  # bytes of a journal's end, more than its last line


@dataclass(frozen=True)
class Expected:
    """Of one job. tokens: that its training sees, 0 where there is none that can be watched."""

    kind: str
    seconds: float
    tokens: int = 0


@dataclass(frozen=True)
class Look:
    """What there is to see at one moment: jobs, how far each is, and what others before them took."""

    tasks: Sequence[Task]
    states: Sequence[State]
    ended: Sequence[Ended]


class Jobs:
    """The jobs of a workflow, as Snakemake holds them: they grow in number when a checkpoint is passed.

    Args:
        workflow: Snakemake's. expect: what jobs take; behind them, what a checkpoint ahead will ask for.
    """

    def __init__(self, workflow: Any, expect: Callable[[Sequence[Node]], Sequence[Expected]]) -> None:
        self._workflow, self._expect = workflow, expect
        self._jobs: dict[str, Any] = {}
        self._done: set[str] = set()
        self._begun: dict[str, float] = {}
        self._shares: dict[str, float] = {}  # of the work of trainings that an interrupted run left behind
        self._earlier = {_key(job): job for job in workflow.dag.jobs if not workflow.dag.needrun(job)}
        self.look()

    @property
    def unfinished(self) -> int:
        """How many jobs are not done."""
        return len(self._jobs) - len(self._done)

    def mark(self) -> None:
        """Note which jobs run and which have ended: often, for their times to be known."""
        dag = self._workflow.dag
        self._jobs.update({_key(job): job for job in list(dag.needrun_jobs())})
        self._done.update(key for key, job in self._jobs.items() if dag.finished(job))
        for job in list(self._workflow.scheduler.running):
            for member in getattr(job, "jobs", [job]):  # of a group
                self._begun.setdefault(_key(member), time.monotonic())

    def look(self) -> Look:
        """All that is to see."""
        self.mark()
        now = time.monotonic()
        place = {key: number for number, key in enumerate(self._jobs)}
        expected = self._expect([_node(job) for job in self._jobs.values()])
        tasks, states, ended = [], [], []
        for (key, job), known in zip(self._jobs.items(), expected, strict=False):
            depending = self._workflow.dag.dependencies.get(job, ())
            needs = tuple(place[_key(needed)] for needed in list(depending) if _key(needed) in place)
            tasks.append(Task(known.kind, known.seconds, needs, _threads(job)))
            begun = self._begun.get(key)
            share = _share(job, known.tokens) if key not in self._done else None
            if share is not None and begun is None:
                self._shares[key] = share
            states.append(State(key in self._done, None if begun is None else now - begun, share))
            if key in self._done:
                ended += _ended(job, known, 1 - self._shares.get(key, 0.0))
        later = expected[len(self._jobs) :]
        tasks += [Task(known.kind, known.seconds, tuple(range(len(self._jobs)))) for known in later]
        states += [State()] * len(later)
        before = list(self._earlier.values())
        for job, known in zip(before, self._expect([_node(job) for job in before]), strict=False):
            ended += _ended(job, known, 1.0)
        return Look(tasks, states, ended)


def line(look: Look, left: Left, elapsed: float) -> str:
    """One line that says how far the run is."""
    done = sum(state.finished for state in look.states)
    clock = f"{int(elapsed) // 60:2d}:{int(elapsed) % 60:02d}"
    return f"[{clock}]  {done} of {len(look.tasks)} jobs, {100 * left.done:.0f} % of the work, {in_words(left)} left"


def watch(jobs: Jobs, cores: int, ready: Callable[[], bool], every: float) -> threading.Thread:
    """Print a line every `every` seconds, the first when it is `ready`, from a thread that ends with the process."""
    started = time.monotonic()

    def tell() -> None:
        told = -every
        while jobs.unfinished:
            time.sleep(1)
            with suppress(RuntimeError):  # Snakemake changes the graph meanwhile: the next second sees it
                jobs.mark()
                elapsed = time.monotonic() - started
                if elapsed - told >= every and (told >= 0 or ready()) and jobs.unfinished:
                    look = jobs.look()
                    left = time_left(look.tasks, look.states, look.ended, cores)
                    print(line(look, left, elapsed), file=sys.stderr, flush=True)
                    told = elapsed

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    return thread


def collect_durations(runs: Sequence[Path], counted: Sequence[str]) -> pd.DataFrame:
    """Mean seconds of a job of every rule of finished runs, from their benchmark files: rule, seconds.

    Args:
        counted: rules whose work is counted, which are left out.
    """
    rows = []
    for run in runs:
        for path in sorted((run / "benchmarks").rglob("*.tsv")):
            rule = path.relative_to(run / "benchmarks").with_suffix("").parts[0]
            if rule not in counted:
                rows.append((rule, _benchmark(path)))
    return pd.DataFrame(rows, columns=["rule", "seconds"]).groupby("rule")["seconds"].mean().round(1).reset_index()


def trained_tokens(scratch: Path) -> int:
    """Tokens that an unfinished training has seen: those of its trunk, and of each branch that left it."""
    tokens = 0
    for journal in sorted(scratch.rglob("metrics.jsonl")):
        first, last = _ends(journal)
        tokens += last - (first if journal.parent != scratch else 0)
    return tokens


def _ends(journal: Path) -> tuple[int, int]:
    """Tokens in the first and the last whole line."""
    try:
        with journal.open("rb") as file:
            first = file.readline()
            file.seek(max(0, file.seek(0, 2) - TAIL))
            last = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
        return tuple(int(json.loads(text)["tokens"]) for text in (first, last))  # type: ignore[return-value]
    except (OSError, ValueError, KeyError):
        return 0, 0


def _share(job: Any, tokens: int) -> float | None:
    """Of the work of a training that is under way."""
    if not tokens:
        return None
    scratches = [path for path in Path(job.output[0]).parent.glob(f".scratch-{job.rule.name}/*") if path.is_dir()]
    seen = max(map(trained_tokens, scratches), default=0)
    return min(1.0, seen / tokens) if seen else None


def _ended(job: Any, known: Expected, share: float) -> list[Ended]:
    with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
        return [Ended(known.kind, share * known.seconds, _benchmark(Path(job.benchmark)))]
    return []


def _benchmark(path: Path) -> float:
    return float(pd.read_csv(path, sep="\t")["s"].iloc[0])


def _threads(job: Any) -> int:
    return job.threads if isinstance(job.threads, int) else 1


def _key(job: Any) -> str:
    wildcards: Mapping[str, str] = job.wildcards_dict
    return json.dumps([job.rule.name, sorted(wildcards.items())])


def _node(job: Any) -> Node:
    return Node(job.rule.name, dict(job.wildcards_dict), ())
