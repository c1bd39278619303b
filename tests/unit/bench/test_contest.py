"""Contests: whose turn it is, that nobody else works meanwhile, and the environments."""

import itertools
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from speclm.bench.contest import TRIAL_STEPS, WARM_UP_STEPS, Contestant, alone, contest


def log_steps(path: Path, name: str, pause: float, before_step: Callable[[], None]) -> None:
    """Write a line per step: who, and when it began and ended."""
    while True:
        before_step()
        started = time.monotonic()
        time.sleep(pause)
        with path.open("a") as log:
            log.write(f"{name} {started} {time.monotonic()} {os.environ.get('SPECLM_TEST', '-')}\n")


def log_process(path: Path, before_step: Callable[[], None]) -> None:
    """Write the process's number at every step."""
    while True:
        before_step()
        with path.open("a") as log:
            log.write(f"{os.getpid()}\n")


def stop_early(before_step: Callable[[], None]) -> None:
    before_step()


def environment_of(name: str) -> str | None:
    return os.environ.get(name)


def test_turns_alternate_and_never_overlap(tmp_path: Path) -> None:
    path = tmp_path / "log"
    contestants = [
        Contestant("slow", partial(log_steps, path, "slow", 0.02), {"SPECLM_TEST": "set"}),
        Contestant("fast", partial(log_steps, path, "fast", 0.01)),
    ]
    turns = contest(contestants, rounds=3, seconds=0.1)
    lines = [line.split() for line in path.read_text().splitlines()]
    times = [(float(start), float(end)) for _, start, end, _ in lines]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(times))
    assert {(line[0], line[3]) for line in lines} == {("slow", "set"), ("fast", "-")}
    names = [line[0] for line in lines]
    starts = [name for name, _ in itertools.groupby(names)]
    assert starts == ["slow", "fast", "slow", "fast", "slow", "fast"]  # getting ready; then s f, f s, s f
    warm = WARM_UP_STEPS + TRIAL_STEPS
    assert names[: 2 * warm] == ["slow"] * warm + ["fast"] * warm
    assert {name: len(of) for name, of in turns.items()} == {"slow": 3, "fast": 3}
    assert all(turn.resident > 0 for of in turns.values() for turn in of)
    for name, pause in (("slow", 0.02), ("fast", 0.01)):
        spent = [end - start for n, (start, end) in zip(names, times, strict=True) if n == name][warm:]
        reported = sum(turn.seconds for turn in turns[name]) / 3
        assert pause <= reported
        assert sum(spent) / len(spent) == pytest.approx(reported, rel=0.25)


def test_rounds_are_shared_among_processes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    turns = contest([Contestant("one", partial(log_process, path))], rounds=5, seconds=0.01, processes=2)
    assert len(turns["one"]) == 6
    assert len(set(path.read_text().split())) == 2


def test_a_contestant_that_ends_is_named() -> None:
    with pytest.raises(RuntimeError, match="quitter ended"):
        contest([Contestant("quitter", stop_early)], rounds=1, seconds=0.1)


def test_a_function_alone_has_its_environment_and_leaves_ours() -> None:
    assert alone(partial(environment_of, "SPECLM_TEST"), {"SPECLM_TEST": "born with"}) == "born with"
    assert "SPECLM_TEST" not in os.environ
