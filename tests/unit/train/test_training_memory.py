"""A machine without enough memory is told, and costs nothing but the time since the last checkpoint."""

from __future__ import annotations

import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speclm.data.windows import Windows, open_windows
from speclm.model.size import ModelSize, ProjectionSize
from speclm.stage.errors import UserError
from speclm.train.loop import Optimization
from speclm.train.memory import enough_memory
from speclm.train.pretrain import Pretraining, Projection, pretrain, uniform_order
from unit.train.faults import ExhaustMemory, Moment, in_process
from unit.train.studies import contents, session

CONTEXT, BATCH, STEPS = 64, 16, 6
PIECE = 2**16  # bytes; every large tensor of a step is larger


@pytest.fixture
def windows(store: Any) -> Windows:
    tokens = np.random.default_rng(0).integers(0, 32, 80 * CONTEXT)
    return store.write("large", [tokens], context=CONTEXT)


def large_enough(path: Path, method: str, output: Path, stop: Any) -> None:
    """A pretraining whose step needs memory in pieces that its allocator must ask the kernel for."""
    windows = open_windows(path)
    clusters_N = np.arange(windows.count, dtype=np.int32) % 4
    pretrain(
        method,
        "all",
        ModelSize(vocabulary=32, context=CONTEXT, layers=2, width=64, heads=2, inner=256),
        Projection(ProjectionSize(4, 3, 2, 2, "shared"), clusters_N, clusters_N) if method == "slm_pn" else None,
        windows,
        windows,
        uniform_order(windows, 7),
        {1: STEPS * BATCH * CONTEXT},
        Pretraining(Optimization(0.01, 0.9, 0.99, 0.0, 5.0, 3, BATCH, BATCH), 3, 0.5, 3, 2, 4, 6, 4),
        session(output, method, stop),
    )


@pytest.mark.parametrize("method", ["slm", "slm_pn"])
def test_refused_at_any_step_and_continued_to_the_same_bytes(windows: Windows, tmp_path: Path, method: str) -> None:
    run = partial(large_enough, windows.paths[0], method)
    moments = in_process(partial(run, tmp_path / "whole"), calls=True).moments
    whole, random = contents(tmp_path / "whole"), np.random.default_rng(3)
    points = [Moment(kind, int(random.integers(1, moments[kind] + 1))) for kind in ("look", "call", "look")]
    for number, at in enumerate(points):
        output = tmp_path / str(number)
        ended = in_process(partial(run, output), at, ExhaustMemory(PIECE))
        if ended.code != -signal.SIGABRT:  # safetensors aborts the process where it gets no memory to write
            assert ended.code == 1, (at, ended)
            small = at.kind == "call" and r"|.*: cannot be written: Cannot allocate memory\nRemedy: let fewer jobs run"
            large = r"micro_batch: there is not enough memory \(.*\)\nRemedy: lower it"
            assert re.match(large + (small or ""), ended.said), (at, ended)
        assert at.kind == "call" or ended.code == 1
        assert in_process(partial(run, output)).code == 0 and contents(output) == whole, at


def test_says_what_was_asked_for() -> None:
    said = r"evaluate\.batch: there is not enough memory \(Default.* 4000000000000000 bytes"
    with pytest.raises(UserError, match=said), enough_memory("evaluate.batch"):
        torch.empty(10**15)


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(12, "Cannot allocate memory"), RuntimeError("std::bad_alloc")]
)
def test_every_form_of_the_error(error: Exception) -> None:
    with pytest.raises(UserError, match="there is not enough memory"), enough_memory("micro_batch"):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("sizes differ"), FileNotFoundError(2, "No such file")])
def test_other_errors_stay_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, enough_memory("micro_batch"):
        raise error
    assert raised.value is error
