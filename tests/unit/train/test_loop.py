from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from speclm.stage.errors import UserError
from speclm.stage.interrupt import Interrupted
from speclm.train.batches import ShuffledEpochs
from speclm.train.engine import Session
from speclm.train.loop import Optimization, Outcome, StepLoss, Validation, train
from speclm.train.ranks import alone
from speclm.train.state import State
from unit.train.interrupts import Killed, Never, StopAt
from unit.train.studies import ENGINE

POINTS = torch.randn(20, 3, generator=torch.Generator().manual_seed(1))


def network() -> nn.Module:
    """A net that draws random numbers while it trains."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.Linear(8, 1))


def squares(model: Any, indices_B: np.ndarray) -> torch.Tensor:
    return ((model(POINTS[indices_B])[:, 0] - POINTS[indices_B].sum(dim=1)) ** 2).mean()


def run(
    scratch: Path,
    optimization: Optimization,
    *,
    model: nn.Module | None = None,
    step_loss: Any = squares,
    steps: int = 20,
    validation: Validation | None = None,
    milestones: dict[int, Any] | None = None,
    stop: Any = None,
    save_every: int = 4,
    fingerprint: dict[str, Any] | None = None,
) -> Outcome:
    model = model or network()
    kept = {} if milestones is None else milestones

    def keep(step: int, state: State) -> None:
        kept[step] = {name: tensor.clone() for name, tensor in state.weights().items()}

    return train(
        model,
        StepLoss(lambda indices_B: (indices_B,), step_loss),
        ShuffledEpochs(np.arange(len(POINTS)), 0, "points"),
        optimization,
        steps,
        milestones=set(kept),
        on_milestone=keep,
        validation=validation,
        journal_every=3,
        save_every=save_every,
        tokens_per_window=8,
        seed=9,
        session=Session(scratch, scratch, fingerprint or {"a": 1}, 9, stop or Never(), ENGINE),
        ranks=alone(torch.device("cpu")),
    )


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def journal(scratch: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (scratch / "metrics.jsonl").read_text().splitlines()]


def test_first_step_of_adam_moves_by_the_rate(tmp_path: Path, optimization: Optimization) -> None:
    model = nn.Linear(3, 1)
    before = model.weight.detach().clone()
    outcome = run(tmp_path, replace(optimization, warmup_steps=1), model=model, steps=1)
    assert (outcome.weights["weight"] - before).abs() == pytest.approx(torch.full((1, 3), 0.01), rel=1e-4)


def test_accumulation_equals_the_large_batch(tmp_path: Path, optimization: Optimization) -> None:
    weights = []
    for micro in (4, 2, 1):
        torch.manual_seed(3)
        model = nn.Linear(3, 1).double()
        whole = lambda m, i: ((m(POINTS[i].double())[:, 0] - 1) ** 2).mean()  # noqa: E731
        settings = replace(optimization, micro_batch_windows=micro)
        weights.append(run(tmp_path / str(micro), settings, model=model, step_loss=whole).weights["weight"])
    assert torch.allclose(weights[0], weights[1], rtol=1e-12) and torch.allclose(weights[0], weights[2], rtol=1e-12)


def test_gradients_are_clipped(tmp_path: Path, optimization: Optimization) -> None:
    model = nn.Linear(3, 1)
    before = model.weight.detach().clone()
    run(tmp_path, replace(optimization, clip=1e-12, warmup_steps=1), model=model, steps=1)
    # Adam's first step is rate * g / (|g| + 1e-8): next to nothing only if g was clipped to 1e-12
    assert journal(tmp_path)[-1]["gradient_norm"] > 1e-3
    assert float((model.weight.detach() - before).abs().max()) < 1e-5


@pytest.mark.parametrize("kill", [True, False])
@pytest.mark.parametrize("at", [1, 2, 4, 5, 6, 9, 14, 20])
def test_continued_equals_uninterrupted(tmp_path: Path, optimization: Optimization, at: int, kill: bool) -> None:
    def curve() -> Validation:
        return Validation(lambda model: float(squares(model, np.arange(20))), every=2, patience=50)

    whole_milestones, milestones = dict.fromkeys((5, 8, 20)), dict.fromkeys((5, 8, 20))
    whole = run(tmp_path / "whole", optimization, validation=curve(), milestones=whole_milestones)
    with pytest.raises(Killed if kill else Interrupted):
        run(tmp_path / "cut", optimization, validation=curve(), milestones=milestones, stop=StopAt(at, kill))
    resumed = run(tmp_path / "cut", optimization, validation=curve(), milestones=milestones)
    assert equal(whole.weights, resumed.weights)
    assert (whole.best_loss, whole.best_step, whole.steps) == (resumed.best_loss, resumed.best_step, resumed.steps)
    assert all(equal(whole_milestones[step], milestones[step]) for step in (5, 8, 20))
    assert (tmp_path / "whole/metrics.jsonl").read_bytes() == (tmp_path / "cut/metrics.jsonl").read_bytes()


def test_killed_again_and_again(tmp_path: Path, optimization: Optimization) -> None:
    whole = run(tmp_path / "whole", optimization, steps=60, save_every=7)
    random = np.random.default_rng(0)
    for _ in range(12):
        try:
            run(tmp_path / "cut", optimization, steps=60, save_every=7, stop=StopAt(int(random.integers(1, 20)), True))
        except Killed:
            continue
    assert equal(whole.weights, run(tmp_path / "cut", optimization, steps=60, save_every=7).weights)


def test_damaged_newest_checkpoint_costs_steps_not_results(tmp_path: Path, optimization: Optimization) -> None:
    whole = run(tmp_path / "whole", optimization)
    with pytest.raises(Killed):
        run(tmp_path / "cut", optimization, stop=StopAt(15, True))
    newest = tmp_path / "cut" / "step00000012.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert equal(whole.weights, run(tmp_path / "cut", optimization).weights)


def test_foreign_scratch_is_refused(tmp_path: Path, optimization: Optimization) -> None:
    run(tmp_path, optimization)
    with pytest.raises(UserError, match="b: None there, 2 here"):
        run(tmp_path, optimization, fingerprint={"a": 1, "b": 2})


def test_a_cut_journal_is_refused(tmp_path: Path, optimization: Optimization) -> None:
    with pytest.raises(Killed):
        run(tmp_path, optimization, stop=StopAt(15, True))
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(UserError, match="shorter"):
        run(tmp_path, optimization)


def test_early_stopping_keeps_the_best(tmp_path: Path, optimization: Optimization) -> None:
    losses = iter([5.0, 4.0, 3.0, 3.5, 3.0, 3.2, 1.0])
    at_best: dict[int, Any] = {4: None}
    outcome = run(
        tmp_path, optimization, validation=Validation(lambda _: next(losses), every=2, patience=3), milestones=at_best
    )
    assert (outcome.steps, outcome.best_step, outcome.best_loss) == (10, 4, 3.0)  # an equal loss is no new best
    assert equal(outcome.weights, at_best[4])
    looks = [(line["step"], line["validation"]) for line in journal(tmp_path) if "validation" in line]
    assert looks == [(0, 5.0), (2, 4.0), (4, 3.0), (6, 3.5), (8, 3.0), (10, 3.2)]


def test_training_that_only_harms_returns_the_start(tmp_path: Path, optimization: Optimization) -> None:
    model = network()
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    losses = iter(range(100))
    outcome = run(
        tmp_path, optimization, model=model, validation=Validation(lambda _: float(next(losses)), every=1, patience=2)
    )
    assert outcome.best_step == 0 and outcome.steps == 2 and equal(outcome.weights, start)


def test_without_validation_returns_the_last_weights(tmp_path: Path, optimization: Optimization) -> None:
    model = network()
    assert equal(run(tmp_path, optimization, model=model).weights, dict(model.state_dict()))


@pytest.mark.parametrize(("value", "what"), [(float("nan"), "loss is nan"), (float("inf"), "inf"), (1e4, "jumped")])
def test_divergence_names_step_windows_and_checkpoint(
    tmp_path: Path, optimization: Optimization, value: float, what: str
) -> None:
    seen: list[np.ndarray] = []

    def step_loss(model: Any, indices_B: np.ndarray) -> torch.Tensor:
        seen.append(indices_B)
        return squares(model, indices_B) * (value if len(seen) > 20 else 1)  # two micro-batches a step: step 10

    with pytest.raises(UserError, match=what) as error:
        run(tmp_path, optimization, step_loss=step_loss)
    windows = [*seen[20].tolist(), *seen[21].tolist()]
    assert f"at step 10 on windows {windows}" in str(error.value)
    assert f"last good checkpoint: {tmp_path / 'step00000008.safetensors'}" in str(error.value)


def test_nan_gradient_with_a_finite_loss_is_caught(tmp_path: Path, optimization: Optimization) -> None:
    root = lambda model, indices_B: (model.weight.sum() * 0).sqrt() + 1  # noqa: E731  (0 * inf in the gradient)
    with pytest.raises(UserError, match=r"at step 0 .*none: no state was saved yet"):
        run(tmp_path, optimization, model=nn.Linear(3, 1), step_loss=root)


def test_invalid_validation_loss_is_refused(tmp_path: Path, optimization: Optimization) -> None:
    with pytest.raises(UserError, match="validation loss is nan"):
        run(tmp_path, optimization, validation=Validation(lambda _: float("nan"), every=1, patience=None))


def test_budget_below_one_step_is_refused(tmp_path: Path, optimization: Optimization) -> None:
    with pytest.raises(UserError, match="smaller than one step of 32 tokens"):
        run(tmp_path, optimization, steps=0)


def test_micro_batch_must_divide(optimization: Optimization) -> None:
    with pytest.raises(UserError, match="3 does not divide"):
        replace(optimization, micro_batch_windows=3)
    with pytest.raises(UserError, match="learning_rate"):
        replace(optimization, learning_rate=0.0)


def test_short_training_writes_no_checkpoint(tmp_path: Path, optimization: Optimization) -> None:
    run(tmp_path, optimization, save_every=1000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fingerprint.json", "metrics.jsonl"]
    assert [line["step"] for line in journal(tmp_path)] == [3, 6, 9, 12, 15, 18, 20]
    assert journal(tmp_path)[-1]["tokens"] == 20 * 4 * 8
