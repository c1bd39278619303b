"""How long what is left of a run will take: from what each job was expected to take, and what those that ended took.

In go the jobs with their expected seconds and what they wait for, how far each is, and what ended jobs took; out comes
the time until the last one ends on so many cores, and how sure that is. Jobs of one kind err alike: what one took is
believed of the others, the more the longer it ran. Before a kind has ended, all kinds together tell of the machine.

    expected: 4 pretrainings of 100 s on 2 cores; the first took 150 s:   about 140 s each, and no longer 200 s in all
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

PRIOR_SECONDS = 20.0  # of ended jobs of a kind, after which they are believed as much as all other kinds
SPREAD = 0.4  # by which a kind may be off while nothing is known of it: measured on two machines
OVERDUE = 0.2  # of the time that a job has run: how long it goes on once it has run for longer than was expected
CERTAIN = 0.1  # a spread below which one number is said


@dataclass(frozen=True)
class Task:
    """A job. needs: the places of those that it waits for in the list of tasks."""

    kind: str
    seconds: float
    needs: tuple[int, ...] = ()
    threads: int = 1


@dataclass(frozen=True)
class State:
    """How far a job is. elapsed: seconds since it began, None while it waits. share: of its work, where known."""

    finished: bool = False
    elapsed: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Ended:
    """What a job (or a known share of one) took beside what was expected of it."""

    kind: str
    expected: float
    took: float


@dataclass(frozen=True)
class Left:
    """Seconds until a run ends, by what factor it may be off either way, and the share of the work that is done."""

    seconds: float
    spread: float
    done: float


class Experience:
    """What ended jobs tell of those to come.

    A kind is a rule, and a method where it has one: where nothing has ended of a kind, its rule tells, else all rules.
    """

    def __init__(self, ended: Iterable[Ended]) -> None:
        self.seen: dict[str, float] = defaultdict(float)
        logs: dict[str, float] = defaultdict(float)
        for job in ended:
            if job.expected > 0 and job.took > 0:
                self.seen[job.kind] += job.expected
                logs[job.kind] += job.expected * log(job.took / job.expected)
        means = {kind: logs[kind] / seen for kind, seen in self.seen.items()}
        # One kind that was expected wrongly shall not move the others: medians, with what was believed before in them.
        self._general = self._middle(means, 0.0)
        self._rules = {
            rule: self._middle({kind: mean for kind, mean in means.items() if _rule(kind) == rule}, self._general)
            for rule in set(map(_rule, means))
        }
        self._kinds = {
            kind: (PRIOR_SECONDS * self._rules[_rule(kind)] + logs[kind]) / (PRIOR_SECONDS + seen)
            for kind, seen in self.seen.items()
        }

    def factor(self, kind: str) -> float:
        """What a job of a kind takes over what was expected."""
        return exp(self._kinds.get(kind, self._rules.get(_rule(kind), self._general)))

    def _middle(self, means: Mapping[str, float], before: float) -> float:
        weights = [sqrt(PRIOR_SECONDS), *(sqrt(self.seen[kind]) for kind in means)]
        return _median([before, *means.values()], weights)

    def spread(self, kind: str) -> float:
        """By what share a job of a kind may still be off."""
        everything = sum(self.seen.values())
        known = self.seen.get(kind, 0.0) + everything / 10
        return SPREAD * sqrt(PRIOR_SECONDS / (PRIOR_SECONDS + known))


def time_left(tasks: Sequence[Task], states: Sequence[State], ended: Sequence[Ended], cores: int) -> Left:
    """What is left of a run.

    Args:
        ended: jobs that have ended, of this run and of earlier ones that it goes on from.
        cores: how many threads run at once.
    """
    experience = Experience([*ended, *_under_way(tasks, states)])
    overdue = [
        Ended(task.kind, task.seconds, state.elapsed)
        for task, state in zip(tasks, states, strict=True)
        if state.elapsed
        and not state.finished
        and state.share is None
        and state.elapsed > task.seconds * experience.factor(task.kind)
    ]
    if overdue:
        experience = Experience([*ended, *_under_way(tasks, states), *overdue])
    whole = [task.seconds * experience.factor(task.kind) for task in tasks]
    left = [_remaining(seconds, state) for seconds, state in zip(whole, states, strict=True)]
    unsure = sum(seconds * experience.spread(task.kind) for seconds, task in zip(left, tasks, strict=True))
    seconds = makespan(left, tasks, [state.elapsed is not None for state in states], cores)
    ran = [0.0 if state.finished else state.elapsed or 0.0 for state in states]  # who ended runs no longer
    work = sum(max(known, passed + rest) for known, passed, rest in zip(whole, ran, left, strict=True))
    return Left(seconds, unsure / (sum(left) or 1.0), 1.0 - sum(left) / (work or 1.0))


def makespan(left: Sequence[float], tasks: Sequence[Task], running: Sequence[bool], cores: int) -> float:
    """Seconds until the last job ends, where each starts as soon as what it needs is done and its threads are free.

    Args:
        left: seconds of each job, 0 of one that is done. running: those that have their cores already.
    """
    waits = [sum(left[needed] > 0 for needed in task.needs) for task in tasks]
    follow: Mapping[int, list[int]] = defaultdict(list)
    for number, task in enumerate(tasks):
        for needed in task.needs:
            follow[needed].append(number)
    ready = [number for number, seconds in enumerate(left) if seconds > 0 and not waits[number]]
    ready.sort(key=lambda number: not running[number])
    free, now, active = cores, 0.0, list[tuple[float, int]]()
    while ready or active:
        waiting = []
        for number in ready:
            if (threads := min(tasks[number].threads, cores)) <= free:
                free -= threads
                heapq.heappush(active, (now + left[number], number))
            else:
                waiting.append(number)
        ready = waiting
        now, number = heapq.heappop(active)
        free += min(tasks[number].threads, cores)
        for after in follow[number]:
            waits[after] -= 1
            if not waits[after] and left[after] > 0:
                ready.append(after)
    return now


def in_words(left: Left) -> str:
    """One number where it is sure, a range where it is not: "about 6 min", "12 to 20 min"."""
    if left.spread < CERTAIN:
        return f"about {_time(left.seconds)}"
    low, high = left.seconds / (1 + left.spread), left.seconds * (1 + left.spread)
    first, last = _time(low), _time(high)
    if first == last:
        return f"about {first}"
    number, unit = first.split(" ")
    return f"{number if last.endswith(unit) else first} to {last}"


def _rule(kind: str) -> str:
    return kind.partition(" ")[0]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 120 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.2g} h" if seconds < 10 * 3600 else f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


def _under_way(tasks: Sequence[Task], states: Sequence[State]) -> list[Ended]:
    """Of running jobs whose share is known, that share."""
    return [
        Ended(task.kind, state.share * task.seconds, state.elapsed)
        for task, state in zip(tasks, states, strict=True)
        if state.share and state.elapsed and not state.finished
    ]


def _remaining(seconds: float, state: State) -> float:
    if state.finished:
        return 0.0
    if state.share is not None:
        return max(0.1, seconds * (1 - state.share))
    if state.elapsed is None:
        return max(0.01, seconds)
    return max(seconds - state.elapsed, OVERDUE * state.elapsed, 0.1)


def _median(values: Sequence[float], weights: Sequence[float]) -> float:
    order = np.argsort(values)
    sums = np.cumsum(np.asarray(weights)[order])
    return float(np.asarray(values)[order][np.searchsorted(sums, sums[-1] / 2)])
