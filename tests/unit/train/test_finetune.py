from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speclm.model.size import LowRank
from speclm.model.transformer import Transformer
from speclm.model.weights import load_weights
from speclm.stage.errors import UserError
from speclm.train.checkpoint import Checkpoints
from speclm.train.experts import open_experts
from speclm.train.finetune import finetune, label_loss, validation_loss
from speclm.train.loop import Outcome, StepLoss
from unit.train.interrupts import Killed, StopAt
from unit.train.studies import Study, session

CPU = torch.device("cpu")
LOW_RANK = LowRank(rank=2, alpha=8.0)


def tune(study: Study, scratch: Path, tokens: int, seen: list[np.ndarray]) -> Outcome:
    loss = label_loss(study.train, CPU)

    def watched(indices_B: np.ndarray) -> tuple[torch.Tensor, ...]:
        seen.append(indices_B)
        return loss.batch(indices_B)

    (start,) = open_experts(study.size, [], 7)
    return finetune(
        start(),
        study.size,
        "sympy",
        study.train,
        study.valid,
        tokens,
        study.finetuning(),
        StepLoss(watched, loss.loss),
        session(scratch, "slm_nopt"),
        CPU,
    )


def test_sees_the_windows_of_its_size_alone(study: Study, tmp_path: Path) -> None:
    for tokens, windows in ((32, 4), (96, 12)):
        seen: list[np.ndarray] = []
        tune(study, tmp_path / str(tokens), tokens, seen)
        visits = np.concatenate(seen)
        assert set(visits.tolist()) <= set(range(windows))
        assert sorted(visits[:windows].tolist()) == list(range(windows))


def test_order_does_not_depend_on_what_is_tuned(study: Study, tmp_path: Path) -> None:
    orders: list[list[np.ndarray]] = [[], []]
    for number, seen in enumerate(orders):
        tune(study, tmp_path / str(number), 96, seen)
    assert (np.concatenate(orders[0]) == np.concatenate(orders[1])).all()


def test_serves_the_weights_of_the_best_validation(study: Study, tmp_path: Path) -> None:
    outcome = tune(study, tmp_path, 96, [])
    (start,) = open_experts(study.size, [], 7)
    model = study_model(study, outcome.weights)
    assert validation_loss(model, study.valid, study.finetuning(), CPU) == pytest.approx(outcome.best_loss, rel=1e-6)
    before = validation_loss(study_model(study, start()), study.valid, study.finetuning(), CPU)
    assert outcome.best_loss is not None and outcome.best_loss < before


def test_a_size_without_settings_is_refused(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no settings for 33 tokens\nRemedy: choose among 32, 96"):
        tune(study, tmp_path, 33, [])


def test_adapters_learn_and_leave_everything_else_as_it_was(study: Study, tmp_path: Path) -> None:
    base = pretrained(study)
    kept, D = {name: tensor.clone() for name, tensor in base.items()}, study.size.width
    outcome = adapt(study, base, tmp_path / "adapted")
    assert all(torch.equal(tensor, kept[name]) for name, tensor in base.items())
    before = validation_loss(study_model(study, base), study.valid, study.finetuning(), CPU)
    served = validation_loss(study_model(study, outcome.weights), study.valid, study.finetuning(), CPU)
    assert served == pytest.approx(outcome.best_loss, rel=1e-5) and served < before and outcome.best_step > 0
    for name, tensor in outcome.weights.items():
        added = tensor - kept[name]
        if name.endswith("query_key_value"):
            query_DD, key_DD, value_DD = added.chunk(3)
            assert torch.equal(key_DD, torch.zeros(D, D))
            for matrix in (query_DD, value_DD):
                assert matrix.abs().max() > 0
                assert torch.linalg.svdvals(matrix)[LOW_RANK.rank :].max() < 1e-5 * torch.linalg.svdvals(matrix)[0]
        else:
            assert torch.equal(added, torch.zeros_like(added)), name


def test_killed_adapters_go_on_to_the_same_bits(study: Study, tmp_path: Path) -> None:
    base = pretrained(study)
    whole = adapt(study, base, tmp_path / "whole")
    with pytest.raises(Killed):
        adapt(study, base, tmp_path / "cut", StopAt(6, kill=True))
    tensors, state = Checkpoints(tmp_path / "cut/scratch").load() or ({}, {})
    assert state["step"] == 3  # the last of every third
    assert sum(t.numel() for name, t in tensors.items() if name.startswith("model.")) == 2 * 4 * 16 * LOW_RANK.rank
    again = adapt(study, base, tmp_path / "cut")
    assert (again.steps, again.best_step, again.best_loss) == (whole.steps, whole.best_step, whole.best_loss)
    assert again.weights.keys() == whole.weights.keys() == base.keys()
    assert all(torch.equal(tensor, again.weights[name]) for name, tensor in whole.weights.items())


def test_adapters_that_only_harm_give_back_what_they_were_given(study: Study, tmp_path: Path) -> None:
    base = pretrained(study)
    outcome = adapt(study, base, tmp_path / "adapted", learning_rate=30.0)
    assert outcome.best_step == 0 < outcome.steps
    assert all(torch.equal(tensor, outcome.weights[name]) for name, tensor in base.items())


def pretrained(study: Study) -> dict[str, torch.Tensor]:
    study.pretrain("slm", "base")
    return load_weights(study.folder / "base/slm/all/checkpoints/b2.safetensors")[0]


def adapt(
    study: Study, base: dict[str, torch.Tensor], output: Path, stop: Any = None, learning_rate: float = 0.01
) -> Outcome:
    """Fine-tune low-rank adapters of a trained model."""
    return finetune(
        base,
        study.size,
        "sympy",
        study.train,
        study.valid,
        96,
        replace(
            study.finetuning(), lora=LOW_RANK, optimization=replace(study.optimization, learning_rate=learning_rate)
        ),
        label_loss(study.train, CPU),
        session(output, "llm_lora", stop),
        CPU,
    )


def study_model(study: Study, weights: dict[str, torch.Tensor]) -> torch.nn.Module:
    model = Transformer(study.size)
    model.load_state_dict(weights)
    return model
