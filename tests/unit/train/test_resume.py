"""A stage killed at any step and run again ends with the bytes of one left alone."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from speclm.stage.interrupt import EXIT_INTERRUPTED, Interrupted
from speclm.train.specialize import Run
from unit.train.interrupts import Killed, Never, StopAt, in_process
from unit.train.studies import EXPERTS, Study, contents

Stage = Callable[..., Any]  # (place, stop)
POINTS = 20


@pytest.fixture(params=["pretrain", "projected", "finetune", "distill"])
def stage(request: pytest.FixtureRequest, study: Study) -> Stage:
    both = [Run("none", size, 2) for size in (32, 96)]
    if request.param == "pretrain":
        return partial(study.pretrain, "slm")
    if request.param == "projected":
        return partial(study.pretrain, "slm_pn")
    if request.param == "finetune":
        for expert in range(EXPERTS):
            study.pretrain("slm_mix", "base", part=f"expert{expert}")
        ways = ("most_frequent", "best_pretrained", "best_finetuned")
        return lambda place, stop: study.specialize("slm_mix", place, [Run(way, 32, 2) for way in ways], stop)
    for method in ("slm", "llm"):
        study.pretrain(method, "base")
    study.specialize("llm", "special", both)
    return lambda place, stop: study.specialize("slm_d", place, both, stop)


def test_one_interruption_anywhere(stage: Stage, study: Study) -> None:
    looks = Never()
    stage("whole", looks)
    whole = contents(study.folder / "whole")
    for number, point in enumerate(np.random.default_rng(1).integers(1, looks.looks + 1, size=POINTS).tolist()):
        with pytest.raises((Killed, Interrupted)):
            stage(f"cut{number}", StopAt(point, kill=number % 2 == 0))
        stage(f"cut{number}", Never())
        assert contents(study.folder / f"cut{number}") == whole, f"interrupted at look {point}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_signals_again_and_again(study: Study, number: signal.Signals) -> None:
    study.pretrain("slm_pn", "whole")
    codes = []
    for point in (2, 5, 4, 6, 3):
        codes.append(in_process(partial(study.pretrain, "slm_pn", "cut"), point, number))
    assert codes[0] == (-signal.SIGKILL if number == signal.SIGKILL else EXIT_INTERRUPTED)
    study.pretrain("slm_pn", "cut")
    assert contents(study.folder / "cut") == contents(study.folder / "whole")
