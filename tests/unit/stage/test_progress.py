"""The estimate of the time left against cases worked out by hand."""

from pathlib import Path

import pandas as pd

from speclm.stage.progress import collect_durations, line, time_left, weights


def test_known_jobs_weigh_their_own_seconds_and_others_their_rules_mean() -> None:
    table = pd.DataFrame({"rule": ["a", "a", "b"], "method": ["x", "y", "-"], "seconds": [10.0, 30.0, 5.0]})
    assert weights([("a", "x"), ("a", "new"), ("b", "-"), ("c", "-")], table) == [10, 20, 5, 1]


def test_a_machine_like_the_reference_needs_what_the_reference_needed() -> None:
    assert time_left(remaining=200, done=100, elapsed=50, cores=2) == 100


def test_a_machine_half_as_fast_is_believed_more_and_more() -> None:
    early, late = time_left(600, 10, 20, 1), time_left(600, 600, 1200, 1)
    assert early < late < 1200
    assert late > 1100


def test_the_line_names_jobs_share_and_time() -> None:
    assert (
        line([True, False], [30, 90], 61, cores=1).strip() == "[ 1:01]  1 of 2 jobs, 25 % of the work, about 2 min left"
    )


def test_durations_are_means_by_rule_and_method(tmp_path: Path) -> None:
    for name, seconds in (("pretrain/slm/all", 10), ("pretrain/slm_mix/expert0", 2), ("pretrain/slm_mix/expert1", 4)):
        path = tmp_path / "run/benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:10\n")
    frame = collect_durations(tmp_path / "run", ["slm", "slm_mix"])
    assert frame.to_numpy().tolist() == [["run", "pretrain", "slm", 10.0], ["run", "pretrain", "slm_mix", 3.0]]
