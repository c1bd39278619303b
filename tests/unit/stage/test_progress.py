"""The estimate of the time left against cases worked out by hand."""

import pandas as pd

from speclm.stage.progress import line, time_left, weights


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
