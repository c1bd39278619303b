"""The loop: the one way in which anything here is trained, exactly the same whether or not it was killed on the way.

In come a model, what its loss is on a batch of windows, an order of windows and a number of steps; out come the final
(or, with early stopping, the best) weights. On the way it calls back at milestones (budgets of the cost axis), keeps a
journal, and saves its whole state every so many steps and when it is asked to stop:

    step 0    validation before anything is learnt
    step s    batch -> loss and gradient by micro-batches -> clip -> AdamW -> validation -> journal -> milestone -> save

A training whose loss is not finite, or more than `SPIKE` times the running mean of its last losses and above that of
its first step, is stopped rather than continued: a spike costs more than the look at it. (The second condition spares a
model that knows its few windows by heart, whose loss may well rise from 0.01 to 0.05.)

Adam with gradient clipping and warm-up is the paper's (Table 6 and its text). Shapes: B windows of a batch.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from speclm.stage.errors import UserError
from speclm.stage.interrupt import Interrupted
from speclm.train.adam import AdamW
from speclm.train.batches import Indices, Order, ahead
from speclm.train.checkpoint import Checkpoints, Tensors, claim
from speclm.train.engine import Session, compile_step
from speclm.train.journal import Journal
from speclm.train.ranks import Ranks, require_shares, whole
from speclm.train.schedule import Cooldown, learning_rate
from speclm.train.state import Progress, State

log = logging.getLogger(__name__)

SPIKE = 4.0
MEMORY = 100  # steps over which the running mean forgets


@dataclass(frozen=True)
class StepLoss:
    """What a step makes smaller.

    batch  indices_B -> the tensors of these windows, on the device
    loss   (model, *tensors) -> mean loss over the windows' targets
    """

    batch: Callable[[Indices], tuple[Any, ...]]
    loss: Callable[..., Tensor]

    def __call__(self, model: nn.Module, indices_B: Indices) -> Tensor:
        return self.loss(model, *self.batch(indices_B))


@dataclass(frozen=True)
class Optimization:
    """Adam as the paper uses it. Betas, decay and the batch are not published."""

    learning_rate: float
    beta1: float
    beta2: float
    weight_decay: float
    clip: float
    warmup_steps: int
    batch_windows: int
    micro_batch_windows: int
    cooldown: Cooldown | None = None

    def __post_init__(self) -> None:
        for key in ("learning_rate", "clip", "batch_windows", "micro_batch_windows"):
            if getattr(self, key) <= 0:
                raise UserError(f"{getattr(self, key)} is not above zero", key=key, remedy="give a positive number")
        if self.batch_windows % self.micro_batch_windows:
            raise UserError(
                f"{self.micro_batch_windows} does not divide batch_windows = {self.batch_windows}",
                key="micro_batch_windows",
                remedy="choose a divisor: every step must see exactly batch_windows windows",
            )


@dataclass(frozen=True)
class Validation:
    """A loss measured on the way. With `patience` the training stops after so many measurements without a new best
    and returns the best weights; without, it is only a curve."""

    measure: Callable[[Any], float]
    every: int
    patience: int | None


@dataclass(frozen=True)
class Outcome:
    """What a training ends with: its steps, whether the last was the last allowed (else early stopping ended it),
    weights (the best ones with early stopping), and seconds of training alone
    (validation not counted)."""

    steps: int
    capped: bool
    weights: Tensors
    best_loss: float | None
    best_step: int
    seconds: float


def train(
    model: nn.Module,
    step_loss: StepLoss,
    order: Order,
    optimization: Optimization,
    steps: int,
    *,
    milestones: Collection[int],
    on_milestone: Callable[[int, State], None],
    validation: Validation | None,
    journal_every: int,
    save_every: int,
    tokens_per_window: int,
    seed: int,
    session: Session,
    ranks: Ranks,
) -> Outcome:
    """Train `model` in place for `steps` updates of `batch_windows` windows, or until validation stops improving.

    Args:
        milestones: steps after which `on_milestone` is given the step and the state, before that is saved.
        journal_every, save_every: steps between two lines of the journal, and between two checkpoints.
        seed: of torch's own generator, for models that draw numbers while they train.
        ranks: the processes that share this training; each calls this function with equal arguments.

    Raises:
        UserError: less than one step; a batch that cannot be divided over the ranks; a foreign or unwritable scratch
            folder; a loss that is not finite or that spikes.
        Interrupted: a stop was requested; the state is saved.
    """
    if steps < 1:
        raise UserError(
            f"the budget is smaller than one step of {optimization.batch_windows * tokens_per_window} tokens",
            key="batch_windows",
            remedy="raise the budget or use smaller batches",
        )
    if ranks.first:
        claim(session.scratch, session.fingerprint)
    run = _Run(model, step_loss, order, optimization, session, ranks)
    torch.manual_seed(seed)
    continued = run.restore()
    progress = run.state.progress
    if continued:
        log.info("going on at step %d of %d", progress.step, steps)
    journal = Journal(session.scratch / "metrics.jsonl", progress.journal) if ranks.first else None

    def write(step: int, record: Mapping[str, float]) -> None:
        if journal:
            tokens = step * optimization.batch_windows * tokens_per_window
            journal.write({"step": step, "tokens": tokens, **record})

    def save() -> None:
        progress.journal = journal.commit() if journal else 0
        run.state.save()

    if validation and not continued:
        write(0, {"validation": run.validate(validation)})
    while progress.step < steps and not (validation and _exhausted(progress, validation)):
        if ranks.must_stop(session.stop.requested):
            save()
            raise Interrupted(f"at step {progress.step} of {steps}")
        started = time.perf_counter()
        record = run.step()
        progress.seconds += time.perf_counter() - started
        step = progress.step
        if validation and (step % validation.every == 0 or step == steps):
            record["validation"] = run.validate(validation)
        if "validation" in record or step % journal_every == 0 or step == steps:
            write(step, record)
        if step in milestones:
            on_milestone(step, run.state)
        if step % save_every == 0 and step < steps:
            save()
    return Outcome(
        progress.step,
        not (validation and _exhausted(progress, validation)),
        run.state.best or run.state.weights(),
        progress.best_loss,
        progress.best_step,
        progress.seconds,
    )


def _exhausted(progress: Progress, validation: Validation) -> bool:
    return validation.patience is not None and progress.measurements_since_best >= validation.patience


class _Run:
    """A training's moving parts."""

    def __init__(
        self,
        model: nn.Module,
        step_loss: StepLoss,
        order: Order,
        optimization: Optimization,
        session: Session,
        ranks: Ranks,
    ) -> None:
        require_shares(optimization.batch_windows, optimization.micro_batch_windows, ranks.count)
        if session.engine.compile:
            compile_step(model)
        self._loss = ranks.distribute(model, step_loss.loss)
        self._model, self._batch, self._order = model.train(), step_loss.batch, order
        self._settings, self._engine, self._ranks = optimization, session.engine, ranks
        self._adam = AdamW(model, optimization.beta1, optimization.beta2, optimization.weight_decay)
        self._checkpoints = Checkpoints(session.scratch)
        self.state = State(model, self._adam, self._checkpoints, ranks)
        self._learnt: list[int] = []  # the windows of the last step
        self._batches = ahead(self._take, enabled=ranks.device.type != "cpu")

    def restore(self) -> bool:
        """Go back to the newest whole checkpoint; False where there is none."""
        continued = self.state.restore()
        self._order.position = self.state.progress.order
        return continued

    def step(self) -> dict[str, float]:
        """One update; returns its numbers for the journal."""
        settings, progress = self._settings, self.state.progress
        indices_B, position, batches = next(self._batches)
        rate = learning_rate(progress.step, settings.learning_rate, settings.warmup_steps, settings.cooldown)
        total = torch.zeros((), dtype=torch.float64, device=self._ranks.device)
        for number, batch in enumerate(batches, start=1):
            alone = nullcontext() if number == len(batches) else getattr(self._loss, "no_sync", nullcontext)()
            with alone, self._engine.autocast():
                part = self._loss(*batch) / len(batches)
            part.backward()
            total += part.detach()
        norm = float(whole(nn.utils.clip_grad_norm_(self._model.parameters(), settings.clip)))
        loss = self._ranks.mean(float(total))
        self._refuse_divergence(loss, norm, indices_B)
        self._adam.step(rate)
        self._learnt = indices_B.tolist()
        if progress.step == 0:
            progress.first_loss = progress.mean_loss = loss
        progress.step += 1
        progress.order = position
        progress.mean_loss += (loss - progress.mean_loss) / min(progress.step, MEMORY)
        return {"loss": loss, "learning_rate": rate, "gradient_norm": norm}

    def validate(self, validation: Validation) -> float:
        """Measure; with patience, keep the weights if they are the best so far."""
        self._model.eval()
        with torch.no_grad(), self._engine.autocast(), self._engine.measuring():
            loss = self._ranks.tell(validation.measure(self._model))
        self._model.train()
        progress = self.state.progress
        if not math.isfinite(loss):
            self._refuse(f"the validation loss is {loss}", f" after windows {self._learnt}")
        if validation.patience is not None:
            progress.measurements_since_best += 1
            if progress.best_loss is None or loss < progress.best_loss:
                progress.best_loss, progress.best_step, progress.measurements_since_best = loss, progress.step, 0
                self.state.keep_best()
        return loss

    def _take(self) -> tuple[Indices, int, list[tuple[Any, ...]]]:
        """The next step's windows, the order's position after them, and this rank's micro-batches of them."""
        indices_B = self._order.take(self._settings.batch_windows)
        mine, micro = self._ranks.share(indices_B), self._settings.micro_batch_windows
        batches = [self._batch(mine[start : start + micro]) for start in range(0, len(mine), micro)]
        return indices_B, self._order.position, batches

    def _refuse_divergence(self, loss: float, norm: float, indices_B: Indices) -> None:
        progress = self.state.progress
        warm = progress.step >= max(1, self._settings.warmup_steps)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._refuse(f"the loss is {loss}, the gradient's norm {norm}", f" on windows {indices_B.tolist()}")
        if warm and loss > max(SPIKE * progress.mean_loss, progress.first_loss):
            self._refuse(
                f"the loss jumped to {loss:.4g} from a running mean of {progress.mean_loss:.4g}",
                f" on windows {indices_B.tolist()}",
            )

    def _refuse(self, what: str, windows: str) -> None:
        good = self._checkpoints.newest or "none: no state was saved yet"
        raise UserError(
            f"{what} at step {self.state.progress.step}{windows}; last good checkpoint: {good}",
            key="learning_rate",
            remedy="lower the learning rate, lengthen the warm-up, or look at these windows' text",
        )
