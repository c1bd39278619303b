"""What is told against what comes: cases worked out by hand, then a recorded run played again on other machines."""

from dataclasses import replace
from itertools import product
from math import exp, log

import pytest

from speclm.stage.pace import PRIOR_SECONDS, Ended, Experience, Left, State, Task, in_words, makespan, time_left
from unit.stage.replay import Replay, recorded, replay

SPEEDS = (0.6, 1.0, 1.6)
KINDS = [
    "collect_documents",
    "pretrain_model slm",
    "pretrain_model llm",
    "pretrain_model slm_mix",
    "pretrain_model slm_pn",
    "specialize_model llm",
]


def test_jobs_run_side_by_side_and_after_what_they_need() -> None:
    tasks = [Task("a", 0), Task("b", 0), Task("c", 0, needs=(0, 1)), Task("d", 0, threads=2)]
    left = [10.0, 4.0, 3.0, 5.0]
    idle = [False] * 4
    assert makespan(left, tasks, idle, cores=1) == 22
    assert makespan([10.0, 4.0, 3.0, 0.0], tasks, idle, cores=2) == 13  # c waits for a
    assert makespan(left, tasks, idle, cores=2) == 18  # c takes a core after a, d needs both
    assert makespan(left, tasks, idle, cores=4) == 13
    assert makespan([0.0] * 4, tasks, idle, cores=2) == 0
    assert makespan([9.0, 1.0], [Task("a", 0), Task("b", 0)], [False, True], cores=1) == 10


def test_what_has_ended_teaches_its_kind_the_more_the_longer_it_ran() -> None:
    assert Experience([]).factor("train slm") == 1
    few, many = (Experience([Ended("train slm", seconds, 2 * seconds)]) for seconds in (1.0, 2000.0))
    assert 1 < few.factor("train slm") < 1.2
    assert many.factor("train slm") == pytest.approx(2, rel=0.02)
    believed = (0 * PRIOR_SECONDS + 10 * log(2)) / (PRIOR_SECONDS + 10)  # the median of 1 and 2 is the heavier one
    assert Experience([Ended("train slm", 10.0, 20.0)]).factor("train slm") == pytest.approx(exp(believed))


def test_a_slow_machine_is_seen_in_all_kinds_and_one_wrong_kind_in_none_other() -> None:
    slow = Experience([Ended(f"rule{number}", 30.0, 60.0) for number in range(5)])
    assert slow.factor("another") == 2
    one = Experience([*(Ended(f"rule{number}", 30.0, 30.0) for number in range(5)), Ended("wrong", 30.0, 300.0)])
    assert one.factor("another") == 1
    assert one.factor("wrong") > 3


def test_a_running_job_counts_by_its_share_and_an_overdue_one_goes_on() -> None:
    task = [Task("train slm", 100.0)]
    watched = time_left(task, [State(elapsed=1000.0, share=0.5)], [], 1)  # ten times as slow as was expected
    assert 500 < watched.seconds < 1000 + 1
    overdue = time_left(task, [State(elapsed=400.0)], [], 1)
    assert overdue.seconds >= 80
    assert 0 <= overdue.done < 1
    assert time_left(task, [State(finished=True)], [], 1) == Left(0.0, 0.0, 1.0)


def test_a_job_that_has_ended_is_no_more_of_the_work_as_time_goes_on() -> None:
    tasks = [Task("read", 100.0), Task("train slm", 100.0)]
    for since in (100.0, 10_000.0):
        states = [State(finished=True, elapsed=since), State()]
        assert time_left(tasks, states, [], 1).done == pytest.approx(0.5)


def test_a_range_is_said_while_little_is_known() -> None:
    assert in_words(Left(930.0, 0.29, 0.0)) == "12 to 20 min"
    assert in_words(Left(372.0, 0.05, 0.6)) == "about 6 min"
    assert in_words(Left(72.0, 0.3, 0.5)) == "55 s to 2 min"
    assert in_words(Left(20 * 3600.0, 0.05, 0.0)) == "about 20 h"
    assert in_words(Left(7.5 * 3600.0, 0.3, 0.0)) == "5.8 to 9.8 h"
    assert in_words(Left(1.0, 0.0, 1.0)) == "about 5 s"


@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize(("speed", "measured"), list(product(SPEEDS, (0.85, 1.0, 1.15))))
def test_at_the_start_and_half_way_on_machines_of_other_speeds(cores: int, speed: float, measured: float) -> None:
    """The recorded run had two thirds of its cores; `measured`: how far the first seconds were off."""
    for seed, share in product(range(3), (0.7, 0.85)):
        run = played(cores, seed, share / speed, measured / speed)
        assert 1 / 1.5 < run.told(0).seconds / run.whole < 1.5
        for part in (0.5, 0.6, 0.75):
            assert run.told(part * run.whole).seconds == pytest.approx((1 - part) * run.whole, rel=0.15)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("speed", "wrong"), list(product(SPEEDS, (0.5, 2.0))))
def test_one_kind_that_was_expected_wrongly_is_learned(kind: str, speed: float, wrong: float) -> None:
    """Half way, once such a job is under way."""
    seen = 0
    for cores, seed in product((1, 2, 4), range(4)):
        run = played(cores, seed, 1 / speed, 1 / speed, kind, wrong)
        half = run.whole / 2
        if any(task.kind == kind and begun < 0.9 * half for task, begun in zip(run.tasks, run.begun, strict=True)):
            assert run.told(half).seconds == pytest.approx(half, rel=0.15)
            seen += 1
    assert seen >= 4


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_run_that_goes_on_knows_what_the_first_one_learned(speed: float) -> None:
    """What ended before is told at once; jobs that were cut off begin again."""
    first = played(2, 0, 1 / speed, 1.3 / speed)
    states = first.states(first.whole / 2)
    ended = [
        Ended(task.kind, task.seconds, took)
        for task, took, state in zip(first.tasks, first.took, states, strict=True)
        if state.finished
    ]
    left = [number for number, state in enumerate(states) if not state.finished]
    place = {number: new for new, number in enumerate(left)}
    tasks = [replace(first.tasks[n], needs=tuple(place[m] for m in first.tasks[n].needs if m in place)) for n in left]
    second = replay(tasks, [first.took[number] for number in left], 2, 1)
    told = time_left(tasks, second.states(-1.0), ended, 2)
    assert told.seconds == pytest.approx(second.whole, rel=0.15)


def test_the_spread_shrinks_as_jobs_end() -> None:
    run = played(2, 0, 1.0, 1.0)
    spreads = [run.told(part * run.whole).spread for part in (0, 0.25, 0.5, 0.9)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] > 0.3
    assert spreads[-1] < 0.15


def played(
    cores: int, seed: int, slower: float, expected: float, kind: str | None = None, wrong: float = 1.0
) -> Replay:
    """The recorded run where all takes `slower` times as long, and was expected to take `expected` times."""
    tasks, took = recorded()
    tasks = [replace(task, seconds=task.seconds * expected * (wrong if task.kind == kind else 1.0)) for task in tasks]
    return replay(tasks, [slower * seconds for seconds in took], cores, seed)
