"""A stage killed at any moment and run again ends with the bytes of one left alone."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from speclm.stage.interrupt import EXIT_INTERRUPTED
from unit.train.faults import LimitFiles, Moment, Send, in_process
from unit.train.stages import KINDS, Stage, prepared
from unit.train.studies import Study, contents

POINTS = 20
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1)


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, study: Study) -> Stage:
    return prepared(request.param, study)


def test_killed_at_any_moment(stage: Stage, study: Study) -> None:
    moments = in_process(stage("whole"), calls=True).moments
    whole, random = contents(study.folder / "whole"), np.random.default_rng(1)
    for record in json.loads(whole.get("slm_mix/runs.json", "[]")):
        assert 0 < record["best_step"] < record["steps"] < 24  # whose early stopping has to come out the same
    for number in range(POINTS):
        place, sent = f"cut{number}", SIGNALS[number % 3]
        kind = "file" if number % 2 else "call"  # a file is touched so rarely that "call" alone would hit few of them
        at, again = (Moment(kind, point) for point in random.integers(1, moments[kind] + 1, size=2).tolist())
        codes = [in_process(stage(place), at, Send(sent)).code]
        if number % 3 == 0:  # and once more while it goes on
            codes.append(in_process(stage(place), again, Send(signal.SIGKILL)).code)
        codes.append(in_process(stage(place)).code)
        said = f"{sent.name} at {at}, SIGKILL at {again}: exit codes {codes}"
        assert codes[0] in ((-signal.SIGKILL,) if sent == signal.SIGKILL else (EXIT_INTERRUPTED, 0)), said
        assert codes[-1] == 0 and contents(study.folder / place) == whole, said


def test_killed_within_a_write(stage: Stage, study: Study) -> None:
    in_process(stage("whole"))
    whole, random = contents(study.folder / "whole"), np.random.default_rng(2)
    for size in random.integers(1, max(map(len, whole.values())), size=4).tolist():
        code = in_process(stage("cut"), strike=LimitFiles(size, fatal=True)).code
        assert code == -signal.SIGXFSZ, size
    assert in_process(stage("cut")).code == 0
    assert contents(study.folder / "cut") == whole


@pytest.mark.parametrize("sent", SIGNALS)
def test_signals_again_and_again(study: Study, sent: signal.Signals) -> None:
    stage = prepared("projected", study)
    in_process(stage("whole"))
    codes = [in_process(stage("cut"), Moment("look", look), Send(sent)).code for look in (2, 5, 4, 6, 3)]
    assert codes[0] == (-signal.SIGKILL if sent == signal.SIGKILL else EXIT_INTERRUPTED)
    assert in_process(stage("cut")).code == 0
    assert contents(study.folder / "cut") == contents(study.folder / "whole")
