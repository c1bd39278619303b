"""A contest: several workers do steps by turns, so that whatever happens to the machine happens to all of them.

Every contestant lives in a process with an environment of its own, as its users run it. Turns go round by round, in the
opposite order every second round, and never do two work at once; seconds per step come out, by contestant and round:

    contest([a, b, c], rounds=3, seconds=1.0)       turns: a b c, c b a, a b c, each of about a second

A worker tells `Turns` before each of its steps; there it waits between two turns. Start-up, three steps to warm up and
the turn that finds how many steps a second holds do not count.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import TypeVar

WARM_UP_STEPS = 3
TRIAL_STEPS = 5
Result = TypeVar("Result")


@dataclass(frozen=True)
class Contestant:
    """One that takes part.

    Attributes:
        work: picklable; does steps without end and calls what it is given before each of them.
        environment: variables set for its process beside the user's own.
    """

    name: str
    work: Callable[[Callable[[], None]], None]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """What came of one turn: seconds per step, and the process's memory after it (bytes): resident, and of that what
    is its own, not mapped from files."""

    seconds: float
    resident: int
    own: int


def contest(
    contestants: Sequence[Contestant], rounds: int, seconds: float, processes: int = 1
) -> dict[str, list[Turn]]:
    """Let all work by turns of about `seconds`.

    Args:
        processes: that each contestant has one after the other, for an equal part of the rounds (rounded up): how the
            C library's allocator settles differs from process to process, by a fifth where it gives memory back.

    Returns:
        {name: one turn per round}.

    Raises:
        RuntimeError: a contestant ended before the contest did; what it said stands on the terminal.
    """
    turns: dict[str, list[Turn]] = {contestant.name: [] for contestant in contestants}
    for process in range(processes):
        with ExitStack() as stack:
            workers = [stack.enter_context(_worker(contestant)) for contestant in contestants]
            steps = {worker.name: worker.steps_within(seconds) for worker in workers}
            for number in range(-(-rounds // processes)):
                tell(f"process {process + 1} of {processes}, round {number + 1}: {', '.join(turns)}")
                for worker in workers if number % 2 == 0 else workers[::-1]:
                    turns[worker.name].append(worker.turn(steps[worker.name]))
    tell("")
    return turns


def alone(function: Callable[[], Result], environment: Mapping[str, str]) -> Result:
    """The result of a picklable function that runs in a process and an environment of its own."""
    with _environment(environment), ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function).result()


def tell(line: str) -> None:
    """One line of progress that the next one overwrites."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line[:110]}", end="", file=sys.stderr, flush=True)


class _Worker:
    """A contestant's process, as seen from outside."""

    def __init__(self, contestant: Contestant, connection: Connection) -> None:
        self.name, self._connection = contestant.name, connection

    def turn(self, steps: int) -> Turn:
        try:
            self._connection.send(steps)
            seconds, *memory = self._connection.recv()
        except (EOFError, OSError):
            raise RuntimeError(f"{self.name} ended before the contest did") from None
        return Turn(seconds / steps, *memory)

    def steps_within(self, seconds: float) -> int:
        self.turn(WARM_UP_STEPS)
        return max(1, round(seconds / self.turn(TRIAL_STEPS).seconds))


class _Turns:
    """A contestant's side: waits for its turn, counts its steps and reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._steps = self._left = 0
        self._started = 0.0

    def __call__(self) -> None:
        """To be called before every step."""
        if self._left == 0:
            if self._steps:
                self._connection.send((time.perf_counter() - self._started, *_memory()))
            try:
                self._steps = self._left = self._connection.recv()
            except EOFError:
                sys.exit(0)  # the contest is over; leaves through the contestant's own clearing up
            self._started = time.perf_counter()
        self._left -= 1


@contextmanager
def _worker(contestant: Contestant) -> Iterator[_Worker]:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_work, args=(contestant, there), daemon=True)
    with _environment(contestant.environment):
        process.start()
    there.close()
    try:
        yield _Worker(contestant, here)
    finally:
        here.close()
        process.join()


def _work(contestant: Contestant, connection: Connection) -> None:
    contestant.work(_Turns(connection))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The variables stand while the block runs: a process started in it is born with them (glibc reads them first)."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _memory() -> tuple[int, int]:
    import psutil

    info = psutil.Process().memory_info()
    return info.rss, info.rss - getattr(info, "shared", 0)
