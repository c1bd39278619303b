from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError
from speclm.train.distill import Distillation, distillation_loss
from speclm.train.finetune import label_loss

CPU = torch.device("cpu")
INDICES = np.array([2, 0, 5])


def model(size: ModelSize, seed: int) -> Transformer:
    made = Transformer(size)
    initialize(made, torch.Generator().manual_seed(seed))
    return made


@pytest.fixture
def teacher_size(size: ModelSize) -> ModelSize:
    return ModelSize(**{**vars(size), "width": 24, "heads": 3})


def test_mixes_labels_and_teacher(store, size: ModelSize, teacher_size: ModelSize) -> None:
    windows, student, teacher = store("text"), model(size, 0), model(teacher_size, 1)
    loss = distillation_loss(windows, teacher_size, teacher.state_dict(), Distillation(0.3, 2.0), CPU)
    tokens = torch.from_numpy(windows.batch(INDICES))
    mine, theirs = student.logits(tokens[:, :-1]).flatten(0, 1), teacher.logits(tokens[:, :-1]).flatten(0, 1)
    label = F.cross_entropy(mine, tokens[:, 1:].flatten())
    soft = F.kl_div(mine.div(2).log_softmax(1), theirs.div(2).softmax(1), reduction="batchmean")
    assert float(loss(student, INDICES).detach()) == pytest.approx(float(0.7 * label + 0.3 * 4 * soft), rel=1e-5)


def test_weight_zero_is_the_label_loss(store, size: ModelSize, teacher_size: ModelSize) -> None:
    windows, student = store("text"), model(size, 0)
    state = model(teacher_size, 1).state_dict()
    soft = distillation_loss(windows, teacher_size, state, Distillation(0.0, 1.0), CPU)(student, INDICES)
    assert float(soft.detach()) == pytest.approx(float(label_loss(windows, CPU)(student, INDICES).detach()), rel=1e-6)


def test_a_student_equal_to_its_teacher_learns_nothing_from_it(store, size: ModelSize) -> None:
    student = model(size, 0)
    loss = distillation_loss(store("text"), size, student.state_dict(), Distillation(1.0, 1.0), CPU)(student, INDICES)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert max(float(parameter.grad.abs().max()) for parameter in student.parameters()) < 1e-6


@pytest.mark.parametrize(("weight", "temperature", "key"), [(1.5, 1.0, "weight"), (0.5, 0.0, "temperature")])
def test_impossible_settings_are_refused(weight: float, temperature: float, key: str) -> None:
    with pytest.raises(UserError, match=key):
        Distillation(weight, temperature)
