from __future__ import annotations

import pytest
import torch
from torch import nn

from speclm.train.adam import AdamW


def descend(model: nn.Module, optimizer: AdamW, steps: int) -> torch.Tensor:
    for step in range(steps):
        (model(torch.tensor([[1.0, 2.0, float(step)]])) ** 2).sum().backward()
        optimizer.step(0.01)
    return model.weight.detach().clone()


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def test_first_step_moves_by_the_rate_against_the_gradient() -> None:
    model = linear()
    before = model.weight.detach().clone()
    model(torch.tensor([[1.0, -2.0, 3.0]])).sum().backward()
    AdamW(model, 0.9, 0.99, 0.0).step(0.01)
    assert (model.weight.detach() - before).tolist() == [pytest.approx([-0.01, 0.01, -0.01], rel=1e-4)]
    assert model.weight.grad is None


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_equals_torchs_own(decay: float) -> None:
    mine, theirs = linear(), linear()
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=(0.8, 0.95), weight_decay=decay)
    for step in range(5):
        reference.zero_grad()
        (theirs(torch.tensor([[1.0, 2.0, float(step)]])) ** 2).sum().backward()
        reference.step()
    assert torch.allclose(descend(mine, AdamW(mine, 0.8, 0.95, decay), 5), theirs.weight.detach(), rtol=1e-5)


def test_restored_state_goes_on_bitwise() -> None:
    whole, parted = linear(), linear()
    descend(whole, optimizer := AdamW(whole, 0.9, 0.99, 0.0), 3)
    state = {name: tensor.clone() for name, tensor in optimizer.tensors().items()}
    parted.load_state_dict(whole.state_dict())
    resumed = AdamW(parted, 0.9, 0.99, 0.0)
    resumed.restore(state)
    assert torch.equal(descend(whole, optimizer, 4), descend(parted, resumed, 4))


def test_parameters_without_gradient_stay() -> None:
    model = nn.Sequential(linear(), nn.Linear(1, 1))
    before = model[1].weight.detach().clone()
    model[0](torch.ones(1, 3)).sum().backward()
    AdamW(model, 0.9, 0.99, 0.5).step(0.01)
    assert torch.equal(model[1].weight, before)
