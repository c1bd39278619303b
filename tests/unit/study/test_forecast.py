"""Hours, disk and the longest path of a handful of jobs."""

from itertools import pairwise, permutations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.stage.graph import Node
from speclm.study.duration import START, TRAINING_START
from speclm.study.forecast import longest_path, make_forecast, write_forecast
from speclm.study.speed import TEXT_SPEED, Speed
from speclm.study.work import work_of
from unit.study.test_work import CONFIG, METHODS, STUDY, Study

SPEED = Speed({"slm": 1e3, "slm_pn": 5e2, "llm": 2e3}, "given")
DURATIONS = pd.DataFrame({"rule": ["draw_figure"], "seconds": [7.0]})
JOBS = [
    Node("collect_documents", {"dataset": "web"}, ()),
    Node("pretrain_model", {"method": "slm", "part": "all", "seed": "1"}, (0,)),
    Node("pretrain_model", {"method": "llm", "part": "all", "seed": "1"}, (0,)),
    Node("draw_figure", {"figure": "3"}, (1, 2)),
]


def with_processes(processes: int) -> Study:
    return Study({**CONFIG, "engine": {"processes": processes}}, METHODS, STUDY.corpora, STUDY.datasets)


def test_hours_are_work_over_speed() -> None:
    forecast = make_forecast(with_processes(1), JOBS, SPEED, DURATIONS)
    pretrained = [work_of(STUDY, job.rule, job.wildcards) for job in JOBS[1:3]]
    seconds = [(work.flops + work.looks) / SPEED.flops[work.model] for work in pretrained if work]
    row = forecast.rules.loc["pretrain_model"]
    assert (row["jobs"], row["tokens"]) == (2, 2000 + 560)
    assert row["device_hours"] == pytest.approx(sum(seconds) / 3600)
    assert row["core_hours"] == pytest.approx(2 * TRAINING_START / 3600)
    assert row["disk_gb"] == pytest.approx(sum(work.disk for work in pretrained if work) / 1e9)
    collected = 110 * 35 / 1e6 / TEXT_SPEED["collect_documents"] + START
    assert forecast.rules.loc["collect_documents", "core_hours"] == pytest.approx(collected / 3600)
    assert forecast.rules.loc["draw_figure", "core_hours"] == pytest.approx(7 / 3600)  # as on the reference machine
    longest = collected + TRAINING_START + max(seconds) + 7
    assert sum(hours for _, hours in forecast.path) == pytest.approx(longest / 3600)
    assert [str(job) for job, _ in forecast.path][
        1
    ] == f"pretrain_model {'slm' if seconds[0] > seconds[1] else 'llm'} all"


def test_several_processes_shorten_the_path_not_the_device_hours() -> None:
    one, four = (make_forecast(with_processes(n), JOBS, SPEED, DURATIONS) for n in (1, 4))
    pd.testing.assert_frame_equal(one.rules, four.rules)
    shorter = (one.path[1][1] - TRAINING_START / 3600) / 4 + TRAINING_START / 3600
    assert four.path[1][1] == pytest.approx(shorter)


def test_cores_that_work_side_by_side_end_sooner_but_not_before_the_longest_path() -> None:
    forecast = make_forecast(with_processes(1), JOBS, SPEED, DURATIONS)
    path = 3600 * sum(hours for _, hours in forecast.path)
    assert forecast.elapsed(4).seconds == pytest.approx(path)
    assert forecast.elapsed(1).seconds == pytest.approx(sum(task.seconds for task in forecast.tasks))
    assert forecast.elapsed(1).seconds > path


def test_memory_is_of_the_sample_of_k_means_and_of_an_epochs_order() -> None:
    forecast = make_forecast(with_processes(1), JOBS, SPEED, DURATIONS)
    drawn = 26 * max(STUDY.config["pretrain"]["domain_budgets"]) // STUDY.config["context"]
    assert forecast.memory == {
        "fit_clusters": 4 * 30 * 8 * 4,
        "sample_importance": drawn,
        "pretrain_model": 200 * (8 + 8 + 4),
    }


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=6), st.data())
def test_the_longest_path_is_the_longest(hours: list[float], data: st.DataObject) -> None:
    """Against all chains: needs point to earlier jobs, so a chain is any increasing sequence along them."""
    needs = [data.draw(st.sets(st.integers(0, job - 1))) if job else set() for job in range(len(hours))]
    path = longest_path([tuple(sorted(each)) for each in needs], hours)
    assert all(before in needs[job] for before, job in pairwise(path))
    chains = [
        chain
        for length in range(1, len(hours) + 1)
        for chain in permutations(range(len(hours)), length)
        if all(before in needs[job] for before, job in pairwise(chain))
    ]
    assert sum(hours[job] for job in path) == pytest.approx(max(sum(hours[job] for job in chain) for chain in chains))


def test_the_words_hold_the_totals() -> None:
    forecast = make_forecast(with_processes(1), JOBS, SPEED, DURATIONS)
    said = write_forecast(forecast, SPEED, "Plan of mine", ["a note"])
    total = next(line for line in said.splitlines() if line.startswith("total"))
    assert total.split()[1:3] == ["4", "2.56k"]
    minutes = sum(hours for _, hours in forecast.path) * 60
    assert f"do not shorten: {minutes:,.1f} min" in said or f"do not shorten: {minutes / 60:,.1f} h" in said
    assert said.endswith("Speed given\na note\n")
