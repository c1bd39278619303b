"""AdamW with its state in the open: first and second moment of every parameter, by the parameter's name.

Torch's functional form, fused: one pass over each parameter. (Its class imports the compiler, 0.8 s in every process,
and numbers its state instead of naming it.) With weight decay 0 this is Adam, which the paper names.

    first update of a parameter with gradient g: -rate * g / (|g| + 1e-8), that is -rate * sign(g)
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

EPSILON = 1e-8


class AdamW:
    """Updates a model's parameters in place from their gradients."""

    def __init__(self, model: nn.Module, beta1: float, beta2: float, weight_decay: float) -> None:
        self._parameters = dict(model.named_parameters())
        self._beta1, self._beta2, self._decay = beta1, beta2, weight_decay
        self._first = {name: torch.zeros_like(parameter) for name, parameter in self._parameters.items()}
        self._second = {name: torch.zeros_like(parameter) for name, parameter in self._parameters.items()}
        self._steps = {name: torch.zeros((), device=p.device) for name, p in self._parameters.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at this learning rate; parameters without a gradient stay as they are. Gradients are cleared."""
        gradients = {name: p.grad for name, p in self._parameters.items() if p.grad is not None}
        adamw(
            [self._parameters[name] for name in gradients],
            list(gradients.values()),
            [self._first[name] for name in gradients],
            [self._second[name] for name in gradients],
            [],
            [self._steps[name] for name in gradients],
            fused=True,
            amsgrad=False,
            beta1=self._beta1,
            beta2=self._beta2,
            lr=rate,
            weight_decay=self._decay,
            eps=EPSILON,
            maximize=False,
        )
        for parameter in self._parameters.values():
            parameter.grad = None

    def tensors(self) -> dict[str, Tensor]:
        """The whole state: first.{name}, second.{name}, steps.{name}."""
        groups = (("first", self._first), ("second", self._second), ("steps", self._steps))
        return {f"{group}.{name}": tensor for group, tensors in groups for name, tensor in tensors.items()}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over a state that `tensors` gave."""
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])
