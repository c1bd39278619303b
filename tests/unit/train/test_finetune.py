from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from speclm.model.lora import AdaptedTransformer
from speclm.model.size import LowRank
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError
from speclm.train.batches import ShuffledEpochs
from speclm.train.checkpoint import Checkpoints
from speclm.train.experts import open_experts
from speclm.train.finetune import finetune, label_loss, validation_loss
from speclm.train.loop import Outcome, StepLoss, Validation, train
from speclm.train.ranks import alone
from unit.train.interrupts import Killed, StopAt
from unit.train.studies import Study, session

CPU = torch.device("cpu")


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


def test_adapters_are_trained_as_any_model_is_and_killed_ones_go_on(study: Study, tmp_path: Path) -> None:
    whole, model = adapt(study, tmp_path / "whole")
    with pytest.raises(Killed):
        adapt(study, tmp_path / "cut", StopAt(6, kill=True))
    tensors, state = Checkpoints(tmp_path / "cut/scratch").load() or ({}, {})
    assert state["step"] == 3
    assert {name.split(".", 1)[1] for name in tensors if name.startswith("model.")} == set(model.state_dict())
    again, _ = adapt(study, tmp_path / "cut")
    assert again.weights.keys() == whole.weights.keys()
    assert all(torch.equal(tensor, again.weights[name]) for name, tensor in whole.weights.items())
    model.load_state_dict(whole.weights)
    served = study_model(study, model.merge())
    assert validation_loss(served, study.valid, study.finetuning(), CPU) == pytest.approx(whole.best_loss, rel=1e-5)
    assert whole.best_step > 0


def adapt(study: Study, output: Path, stop: Any = None) -> tuple[Outcome, AdaptedTransformer]:
    """Fine-tune low-rank adapters of a trained model by the loop itself."""
    base = tune(study, output / "base", 96, [])
    model = AdaptedTransformer(study_model(study, base.weights), LowRank(rank=2, alpha=4))
    initialize(model, torch.Generator().manual_seed(1))
    outcome = train(
        model,
        label_loss(study.train, CPU),
        ShuffledEpochs(np.arange(12), 7, "adapt"),
        study.optimization,
        9,
        milestones=(),
        on_milestone=lambda step, weights: None,
        validation=Validation(lambda m: validation_loss(m, study.valid, study.finetuning(), CPU), 3, 2),
        journal_every=2,
        save_every=3,
        tokens_per_window=study.train.context,
        seed=1,
        session=session(output, "llm_lora", stop),
        ranks=alone(CPU),
    )
    return outcome, model


def study_model(study: Study, weights: dict[str, torch.Tensor]) -> torch.nn.Module:
    model = Transformer(study.size)
    model.load_state_dict(weights)
    return model
