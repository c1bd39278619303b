from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from speclm.train.adam import AdamW
from speclm.train.checkpoint import Checkpoints
from speclm.train.ranks import alone
from speclm.train.state import State


def fresh(scratch: Path) -> tuple[nn.Linear, AdamW, State]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    adam = AdamW(model, 0.9, 0.99, 0.0)
    return model, adam, State(model, adam, Checkpoints(scratch), alone(torch.device("cpu")))


def step(model: nn.Linear, adam: AdamW) -> None:
    model(torch.randn(4, 3)).square().sum().backward()
    adam.step(0.1)


def test_restored_it_goes_on_bitwise(tmp_path: Path) -> None:
    model, adam, state = fresh(tmp_path)
    step(model, adam)
    state.keep_best()
    step(model, adam)
    state.progress.step, state.progress.best_loss, state.progress.seconds = 2, 0.5, 0.25
    state.save()
    step(model, adam)

    other, other_adam, restored = fresh(tmp_path)
    assert restored.restore() and restored.progress == state.progress
    assert all(torch.equal(restored.best[name], tensor) for name, tensor in state.best.items())
    assert not torch.equal(restored.best["weight"], other.weight)  # the best is not the last
    step(other, other_adam)  # with the random numbers that the first drew
    assert torch.equal(other.weight, model.weight)
    assert all(torch.equal(other_adam.tensors()[name], tensor) for name, tensor in adam.tensors().items())


def test_without_a_checkpoint_it_stays_as_it_is(tmp_path: Path) -> None:
    model, _, state = fresh(tmp_path)
    before = model.weight.detach().clone()
    assert not state.restore() and torch.equal(model.weight, before) and state.best == {}
