"""A run played again from recorded job times, on a machine of any speed, with jobs started in any order: no clock."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from speclm.stage.pace import Ended, Left, State, Task, time_left

RECORDED = Path(__file__).with_name("recorded_run.tsv")  # the published run: what was expected, what was taken


@dataclass(frozen=True)
class Replay:
    """tasks: as they are expected. took: seconds of each. begun: when each starts."""

    tasks: Sequence[Task]
    took: Sequence[float]
    begun: Sequence[float]
    cores: int

    @property
    def whole(self) -> float:
        return max(begun + took for begun, took in zip(self.begun, self.took, strict=True))

    def states(self, now: float) -> list[State]:
        found = []
        for task, begun, took in zip(self.tasks, self.begun, self.took, strict=True):
            running = begun <= now < begun + took
            watched = running and task.kind.startswith("pretrain_model")  # whose journal tells how far it is
            found.append(
                State(begun + took <= now, now - begun if running else None, (now - begun) / took if watched else None)
            )
        return found

    def told(self, now: float) -> Left:
        """What is told at a moment."""
        states = self.states(now)
        ended = [
            Ended(task.kind, task.seconds, took)
            for task, took, state in zip(self.tasks, self.took, states, strict=True)
            if state.finished
        ]
        return time_left(self.tasks, states, ended, self.cores)


def recorded() -> tuple[list[Task], list[float]]:
    """The jobs of the recorded run, as they were expected, and what they took."""
    table = pd.read_csv(RECORDED, sep="\t")
    tasks = [
        Task(row.kind, row.expected, tuple(map(int, row.needs.split(","))) if row.needs != "-" else (), row.threads)
        for row in table.itertuples()
    ]
    return tasks, table["took"].tolist()


def replay(tasks: Sequence[Task], took: Sequence[float], cores: int, seed: int) -> Replay:
    """Start jobs as cores get free, in an order that the seed chooses, as Snakemake's cannot be foreseen."""
    stream = random.Random(seed)
    begun = [-1.0] * len(tasks)
    done: set[int] = set()
    active: list[tuple[float, int]] = []
    free, now = cores, 0.0
    while len(done) < len(tasks):
        ready = [n for n, task in enumerate(tasks) if begun[n] < 0 and done >= set(task.needs)]
        stream.shuffle(ready)
        for number in ready:
            if (threads := min(cores, tasks[number].threads)) <= free:
                free -= threads
                begun[number] = now
                heapq.heappush(active, (now + took[number], number))
        now, number = heapq.heappop(active)
        done.add(number)
        free += min(cores, tasks[number].threads)
    return Replay(tasks, took, begun, cores)
