"""A training that goes wrong stops, naming step, windows and last good checkpoint, however often it is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from speclm.data.windows import Windows
from speclm.stage.errors import UserError
from speclm.train.batches import ShuffledEpochs, load
from speclm.train.checkpoint import Checkpoints
from speclm.train.loop import Optimization, StepLoss, Validation, train
from speclm.train.ranks import alone
from speclm.train.specialize import Run
from unit.train.studies import Study, session

CPU = torch.device("cpu")
WINDOWS, BAD, BAD_STEP = 40, 17, 6


@pytest.fixture
def numbered(store: Any) -> Windows:
    """Windows whose every token, but the last, is the window's own number."""
    return store.write("numbered", [np.arange(WINDOWS * 8 + 1) // 8], vocabulary=WINDOWS + 1)


def order_with_bad_at(step: int, batch: int) -> ShuffledEpochs:
    """An order whose batch of this step holds the bad window."""
    for seed in range(1000):
        order = ShuffledEpochs(np.arange(WINDOWS), seed, "order")
        batches = [order.take(batch) for _ in range(WINDOWS // batch)]
        if BAD in batches[step]:
            return ShuffledEpochs(np.arange(WINDOWS), seed, "order")
    raise AssertionError("no such order")


def spoil(loss: Tensor, model: nn.Module, kind: str) -> Tensor:
    if kind == "infinite gradient":
        return (
            loss + ((model.weight - model.weight.detach()) * 3e38).sum()
        )  # 0, with a slope that float32 cannot square
    return loss * {"nan": float("nan"), "inf": float("inf"), "spike": 1e4}[kind]


def learn(windows: Windows, optimization: Optimization, scratch: Path, kind: str, seen: list[list[int]]) -> None:
    """Train on all windows, of which one is bad: its text is what spoils the loss."""

    def loss(model: nn.Module, tokens_BL: Tensor) -> Tensor:
        numbers_B = tokens_BL[:, 0]
        seen.append(numbers_B.tolist())
        good = (model(numbers_B[:, None] / WINDOWS) - 1).square().mean()
        return spoil(good, model, kind) if bool((numbers_B == BAD).any()) and kind != "validation" else good

    def measure(model: nn.Module) -> float:
        return float("nan") if kind == "validation" and any(BAD in part for part in seen) else 1.0

    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(0.5)
        model.bias.fill_(0.0)
    train(
        model,
        StepLoss(lambda indices_B: (load(windows, indices_B, CPU),), loss),
        order_with_bad_at(BAD_STEP, optimization.batch_windows),
        replace(optimization, learning_rate=1e-3),
        10,
        milestones=(),
        on_milestone=lambda step, state: None,
        validation=Validation(measure, every=1, patience=None),
        journal_every=1,
        save_every=2,
        tokens_per_window=8,
        seed=1,
        session=session(scratch, "slm"),
        ranks=alone(CPU),
    )


def refusal(work: Callable[[], Any]) -> str:
    with pytest.raises(UserError) as refused:
        work()
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("nan", r"the loss is nan"),
        ("inf", r"the loss is inf"),
        ("infinite gradient", r"the loss is 0\.\d+, the gradient's norm inf"),
        ("spike", r"the loss jumped to \d+(\.\d+)? from a running mean of 0\.\d+"),
    ],
)
def test_a_bad_window_is_named_and_never_skipped(
    numbered: Windows, optimization: Optimization, tmp_path: Path, kind: str, what: str
) -> None:
    seen: list[list[int]] = []
    said = refusal(lambda: learn(numbered, optimization, tmp_path, kind, seen))
    assert re.search(what, said), said
    batch = [window for part in seen for window in part][-optimization.batch_windows :]
    assert BAD in batch
    assert f"at step {BAD_STEP} on windows {batch}" in said  # in the order in which they were seen
    good = tmp_path / f"scratch/step{BAD_STEP:08d}.safetensors"
    assert f"last good checkpoint: {good}\nRemedy: lower the learning rate" in said
    tensors, state = Checkpoints(tmp_path / "scratch").read(BAD_STEP)
    assert good.exists() and state["step"] == BAD_STEP
    assert all(tensor.isfinite().all() for name, tensor in tensors.items() if not name.startswith("random"))
    again: list[list[int]] = []
    assert refusal(lambda: learn(numbered, optimization, tmp_path, kind, again)) == said
    assert [window for part in again for window in part] == batch  # it went on with the very step that was refused


def test_an_impossible_validation_loss_names_what_was_learnt_last(
    numbered: Windows, optimization: Optimization, tmp_path: Path
) -> None:
    seen: list[list[int]] = []
    said = refusal(lambda: learn(numbered, optimization, tmp_path, "validation", seen))
    batch = [window for part in seen for window in part][-optimization.batch_windows :]
    assert f"the validation loss is nan at step {BAD_STEP + 1} after windows {batch}; last good checkpoint: " in said
    assert f"step{BAD_STEP:08d}.safetensors" in said
    assert refusal(lambda: learn(numbered, optimization, tmp_path, "validation", seen)) == said


@pytest.mark.parametrize(("rate", "what"), [(100.0, "the loss jumped to"), (1e30, "the loss is nan")])
@pytest.mark.parametrize("kind", ["slm", "slm_pn", "finetune"])
def test_a_rate_that_is_too_high_stops_every_kind_of_stage(study: Study, kind: str, rate: float, what: str) -> None:
    if kind == "finetune":
        study.pretrain("slm", "base")
    hot = replace(study, optimization=replace(study.optimization, learning_rate=rate))

    def work() -> Any:
        finetune = kind == "finetune"
        return hot.specialize("slm", "hot", [Run("none", 96, 2)]) if finetune else hot.pretrain(kind, "hot")

    said = refusal(work)
    assert re.match(rf"learning_rate: {what}.* at step \d on windows \[\d+, \d+, \d+, \d+\]; last good ", said), said
    assert refusal(work) == said
    kept = [path for path in (study.folder / "hot").rglob("*") if path.is_file() and "scratch" not in path.parts]
    assert kept == []  # no result of a training that failed
