"""Damage to what a killed stage left costs steps, not results, and is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from speclm.train.specialize import Run
from unit.train.interrupts import Killed, StopAt
from unit.train.studies import Study, contents


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [
    (".safetensors", cut),
    (".safetensors", flip),
    (".safetensors", Path.unlink),
    (".json", cut),
    (".json", flip),
    (".json", empty),
]


@pytest.fixture(params=["pretrain", "finetune"])
def stage(request: pytest.FixtureRequest, study: Study) -> Callable[..., Any]:
    """Either kind of stage, called with the folder of its results and a stop flag."""
    if request.param == "pretrain":
        return partial(replace(study, cooldown=0.0).pretrain, "slm_pn")
    study.pretrain("slm", "base")
    return lambda place, stop=None: study.specialize("slm", place, [Run("none", 96, 2)], stop)


@pytest.fixture
def checkpoints(stage: Callable[..., Any], study: Study) -> list[Path]:
    """The states of the two checkpoints that a stage left which was killed after both, older first."""
    stage("whole")
    with pytest.raises(Killed):
        stage("cut", StopAt(8, kill=True))
    found = (study.folder / "cut").rglob("scratch/**/step*.json")
    states = sorted(path for path in found if path.parent.name != "b1")  # where the smaller budget left the trunk
    assert len(states) == 2
    return states


@pytest.mark.parametrize(("suffix", "damage"), DAMAGES)
def test_the_checkpoint_before_is_taken(
    stage: Callable[..., Any],
    study: Study,
    checkpoints: list[Path],
    caplog: pytest.LogCaptureFixture,
    suffix: str,
    damage: Callable[[Path], None],
) -> None:
    damage(checkpoints[1].with_suffix(suffix))
    with caplog.at_level(logging.WARNING):
        stage("cut")
    assert f"damaged checkpoint {checkpoints[1]}: taking the one before" in caplog.text
    assert "anew" not in caplog.text
    assert contents(study.folder / "cut") == contents(study.folder / "whole")


def test_with_both_damaged_it_begins_anew(
    stage: Callable[..., Any], study: Study, checkpoints: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    flip(checkpoints[0].with_suffix(".safetensors"))
    empty(checkpoints[1])
    with caplog.at_level(logging.WARNING):
        stage("cut")
    assert f"no whole checkpoint in {checkpoints[1].parent}: beginning anew" in caplog.text
    assert contents(study.folder / "cut") == contents(study.folder / "whole")
