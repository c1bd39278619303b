"""Distillation: the small model learns from the labels and from a larger teacher's next-token distribution at once.

    loss = (1 - weight) * CE(label) + weight * temperature^2 * KL(teacher || student)

The teacher is the large model fine-tuned on the same domain text (paper, SLM-d). Weight, temperature and direction are
not published. With weight 0 this is ordinary fine-tuning; the teacher's forward pass is part of the cost.

A student of budget 200 learns from the teacher pretrained with 200, or (paper, figure 5) with any other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from speclm.data.windows import Windows
from speclm.model.loss import distillation
from speclm.model.size import ModelSize, forward_flops_per_token
from speclm.model.transformer import Transformer
from speclm.model.weights import load_weights
from speclm.stage.errors import UserError
from speclm.train.batches import load
from speclm.train.loop import StepLoss


@dataclass(frozen=True)
class Distillation:
    """The share of the teacher's part of the loss, and the temperature of both distributions in it."""

    weight: float
    temperature: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise UserError(f"{self.weight} is not a share", key="weight", remedy="choose a number from 0 to 1")
        if self.temperature <= 0:
            raise UserError(f"{self.temperature} is not above 0", key="temperature", remedy="choose 1 or more")


class Lesson(NamedTuple):
    """What a student trains with, and what its teacher takes.

    budget          of the teacher's pretraining; 0: there is none
    forward_flops   of the teacher on one token
    training_flops  of the teacher's own fine-tuning
    """

    loss: StepLoss
    budget: int
    forward_flops: int
    training_flops: int


@dataclass(frozen=True)
class Teachers:
    """The specialised large models by (size, budget), and how to learn from them.

    budget: of the pretraining of every student's teacher; None: each student's own.
    """

    models: Mapping[tuple[int, int], Path]
    settings: Distillation
    budget: int | None

    def lesson(self, windows: Windows, size: int, budget: int, device: torch.device) -> Lesson:
        """For the student of a domain size and a pretraining budget.

        Raises:
            UserError: its teacher was not made, or its weights are missing or damaged.
        """
        taught = self.budget or budget
        if (size, taught) not in self.models:
            raise UserError(
                f"there is no teacher for size {size} and budget {taught}",
                key="methods",
                remedy="specialise the llm at this size and budget as well, or leave slm_d out",
            )
        weights, meta = load_weights(self.models[size, taught])
        teacher = ModelSize(**meta["model"])
        loss = distillation_loss(windows, teacher, weights, self.settings, device)
        return Lesson(loss, taught, forward_flops_per_token(teacher), meta["flops"])


def distillation_loss(
    windows: Windows, size: ModelSize, weights: Mapping[str, Tensor], settings: Distillation, device: torch.device
) -> StepLoss:
    """The step loss of a student on `windows`; `size` and `weights` are the teacher's."""
    teacher = Transformer(size)
    teacher.load_state_dict(dict(weights))
    teacher.to(device).eval().requires_grad_(False)

    def loss(student: Transformer, tokens_BL: Tensor) -> Tensor:
        with torch.no_grad():
            teacher_NE = teacher.hidden(tokens_BL[:, :-1]).flatten(0, 1)
        return distillation(
            student.hidden(tokens_BL[:, :-1]).flatten(0, 1),
            student.embedding,
            tokens_BL[:, 1:].flatten(),
            teacher_NE,
            teacher.embedding,
            settings.weight,
            settings.temperature,
        )

    return StepLoss(lambda indices_B: (load(windows, indices_B, device),), loss)
