"""Whole models' gradients against finite differences, in float64.

For each parameter and random directions v, gradient . v against the difference quotient of fourth order,

    (8 (f(e) - f(-e)) - (f(2e) - f(-2e))) / 12e        with f(x) = loss(p + x v)

With e = 1e-4 rounding costs it about 1e-16 / e = 1e-12. The quotient of second order would not do: norms of hidden
states of size 0.03 bend the loss so much that its error, e^2 times the third derivative, is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from speclm.model.loss import IGNORED, distillation
from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize
from speclm.model.transformer import Transformer, initialize

STEP, DIRECTIONS = 1e-4, 2
EXPERTS_B = torch.tensor([3, 0, 3, 4, 0, 3])  # unsorted, repeated, 1 and 2 absent


def same_as_finite_differences(model: nn.Module, loss: Callable[[], Tensor], generator: torch.Generator) -> None:
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss(), parameters)
    assert any(gradient.abs().max() > 1e-4 for gradient in gradients)
    for name, parameter, gradient in zip(names, parameters, gradients, strict=True):
        for _ in range(DIRECTIONS):
            direction = torch.randn(parameter.shape, generator=generator)
            values = {}
            for steps in (-2, -1, 1, 2):
                with torch.no_grad():
                    parameter += steps * STEP * direction
                    values[steps] = loss().item()
                    parameter -= steps * STEP * direction
            expected = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * STEP)
            assert (gradient * direction).sum().item() == pytest.approx(expected, rel=1e-6, abs=1e-9), name


@torch.no_grad()
def moved(model: nn.Module, generator: torch.Generator, distance: float) -> nn.Module:
    """The model as after some training: away from its start, where parts are zero or equal."""
    for _, parameter in sorted(model.named_parameters()):
        parameter += distance * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture(name="padded_BL")
def padded(tokens_BL: Tensor) -> Tensor:
    """Windows of which one is half padding, one padding alone, and one lacks a single target."""
    padded_BL = tokens_BL.clone()
    padded_BL[1, 5:], padded_BL[2, 1:], padded_BL[4, 3] = IGNORED, IGNORED, IGNORED
    return padded_BL


@pytest.mark.parametrize("distance", [0.0, 0.2], ids=["at the start", "later"])
def test_transformer(size: ModelSize, generator: torch.Generator, padded_BL: Tensor, distance: float) -> None:
    model = Transformer(size)
    initialize(model, generator)
    moved(model, generator, distance)
    same_as_finite_differences(model, lambda: model.loss(padded_BL), generator)


@pytest.mark.parametrize("distance", [0.0, 0.2], ids=["at the start", "later"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("start", ["shared", "random"])
def test_projected_network(
    size: ModelSize,
    projection: ProjectionSize,
    generator: torch.Generator,
    padded_BL: Tensor,
    start: str,
    layers: int,
    distance: float,
) -> None:
    model = ProjectedTransformer(size, replace(projection, start=start, projected_layers=layers))
    initialize(model, generator)
    moved(model, generator, distance)
    same_as_finite_differences(model, lambda: model.loss(padded_BL, EXPERTS_B), generator)


@pytest.mark.parametrize("experts", [[2] * 6, [0, 1, 2, 3, 4, 4]], ids=["one expert", "every expert"])
def test_projected_network_with_other_experts_present(
    size: ModelSize, projection: ProjectionSize, generator: torch.Generator, tokens_BL: Tensor, experts: list[int]
) -> None:
    model = ProjectedTransformer(size, projection)
    initialize(model, generator)
    moved(model, generator, 0.2)
    same_as_finite_differences(model, lambda: model.loss(tokens_BL, torch.tensor(experts)), generator)


@pytest.mark.parametrize(
    ("weight", "temperature"), [(0.0, 2.0), (0.3, 1.0), (0.5, 3.0), (0.8, 0.5), (1.0, 1.0), (1.0, 2.0)]
)
def test_student(
    size: ModelSize, generator: torch.Generator, padded_BL: Tensor, weight: float, temperature: float
) -> None:
    """The student's hidden states and its output matrix, which is its embedding too, at once."""
    student, teacher = Transformer(size), Transformer(replace(size, width=20))
    for model in (student, teacher):
        initialize(model, generator)
        moved(model, generator, 0.3)
    teacher_NE = teacher.hidden(padded_BL[:, :-1]).flatten(0, 1).detach()

    def loss() -> Tensor:
        hidden_ND = student.hidden(padded_BL[:, :-1]).flatten(0, 1)
        target_N = padded_BL[:, 1:].flatten()
        return distillation(
            hidden_ND, student.embedding, target_N, teacher_NE, teacher.embedding.detach(), weight, temperature
        )

    same_as_finite_differences(student, loss, generator)


def test_ignored_targets_teach_nothing(size: ModelSize, generator: torch.Generator, padded_BL: Tensor) -> None:
    """What stands beyond the last target of a window is of no consequence: not its tokens, nor its gradient."""
    model = Transformer(size)
    initialize(model, generator)
    other_BL = padded_BL.clone()
    other_BL[2, 1:] = IGNORED  # padding alone: the window may as well be absent
    without_BL = other_BL[[0, 1, 3, 4, 5]]
    losses = [model.loss(tokens_BL) for tokens_BL in (other_BL, without_BL)]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-12)
    gradients = [torch.autograd.grad(loss, list(model.parameters())) for loss in losses]
    for with_padding, without in zip(*gradients, strict=True):
        torch.testing.assert_close(with_padding, without, rtol=1e-9, atol=1e-14)
