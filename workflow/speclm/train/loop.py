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

import math
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from speclm.stage.errors import UserError
from speclm.stage.interrupt import Interrupted
from speclm.train.adam import AdamW
from speclm.train.batches import Indices, Order
from speclm.train.checkpoint import Checkpoints, Tensors, claim
from speclm.train.engine import Session
from speclm.train.journal import Journal
from speclm.train.schedule import learning_rate

SPIKE = 4.0
MEMORY = 100  # steps over which the running mean forgets

StepLoss = Callable[[Any, Indices], Tensor]  # (model, indices_B) -> mean loss over the windows' targets


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


@dataclass
class Progress:
    """Everything about a training but its tensors; the readable half of a checkpoint."""

    step: int = 0
    order: int = 0
    seconds: float = 0.0
    first_loss: float = 0.0
    mean_loss: float = 0.0
    best_loss: float | None = None
    best_step: int = 0
    measurements_since_best: int = 0
    milestone_seconds: dict[str, float] = field(default_factory=dict)
    journal: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a training ends with: its steps, weights (the best ones with early stopping), and seconds of training alone
    (validation not counted), in all and up to each milestone."""

    steps: int
    weights: Tensors
    best_loss: float | None
    best_step: int
    seconds: float
    milestone_seconds: dict[int, float]


def train(
    model: nn.Module,
    step_loss: StepLoss,
    order: Order,
    optimization: Optimization,
    steps: int,
    *,
    milestones: Collection[int],
    on_milestone: Callable[[int], None],
    validation: Validation | None,
    journal_every: int,
    save_every: int,
    tokens_per_window: int,
    seed: int,
    session: Session,
) -> Outcome:
    """Train `model` in place for `steps` updates of `batch_windows` windows, or until validation stops improving.

    Args:
        milestones: steps after which `on_milestone` is called, before the state is saved.
        journal_every, save_every: steps between two lines of the journal, and between two checkpoints.
        seed: of torch's own generator, for models that draw numbers while they train.

    Raises:
        UserError: less than one step; a foreign or unwritable scratch folder; a loss that is not finite or that spikes.
        Interrupted: a stop was requested; the state is saved.
    """
    if steps < 1:
        raise UserError(
            f"the budget is smaller than one step of {optimization.batch_windows * tokens_per_window} tokens",
            key="batch_windows",
            remedy="raise the budget or use smaller batches",
        )
    run = _Run(model, order, optimization, session)
    torch.manual_seed(seed)
    continued = run.restore()
    progress, journal = run.progress, Journal(session.scratch / "metrics.jsonl", run.progress.journal)

    def save() -> None:
        progress.journal = journal.commit()
        run.save()

    if validation and not continued:
        journal.write({"step": 0, "tokens": 0, "validation": run.validate(validation)})
    while progress.step < steps and not (validation and _exhausted(progress, validation)):
        if session.stop.requested:
            save()
            raise Interrupted(f"at step {progress.step} of {steps}")
        started = time.perf_counter()
        record = run.step(step_loss)
        progress.seconds += time.perf_counter() - started
        step = progress.step
        if validation and (step % validation.every == 0 or step == steps):
            record["validation"] = run.validate(validation)
        if "validation" in record or step % journal_every == 0 or step == steps:
            tokens = step * optimization.batch_windows * tokens_per_window
            journal.write({"step": step, "tokens": tokens, **record})
        if step in milestones:
            progress.milestone_seconds[str(step)] = progress.seconds
            on_milestone(step)
        if step % save_every == 0 and step < steps:
            save()
    return Outcome(
        progress.step,
        run.best or {name: tensor.detach() for name, tensor in model.state_dict().items()},
        progress.best_loss,
        progress.best_step,
        progress.seconds,
        {int(step): seconds for step, seconds in progress.milestone_seconds.items()},
    )


def _exhausted(progress: Progress, validation: Validation) -> bool:
    return validation.patience is not None and progress.measurements_since_best >= validation.patience


class _Run:
    """A training's moving parts, and their way to disk and back."""

    def __init__(self, model: nn.Module, order: Order, optimization: Optimization, session: Session) -> None:
        claim(session.scratch, session.fingerprint)
        self.progress = Progress()
        self.best: Tensors = {}
        self._model, self._order, self._settings = model.train(), order, optimization
        self._checkpoints = Checkpoints(session.scratch)
        self._adam = AdamW(model, optimization.beta1, optimization.beta2, optimization.weight_decay)

    def step(self, step_loss: StepLoss) -> dict[str, float]:
        """One update; returns its numbers for the journal."""
        settings, progress = self._settings, self.progress
        indices_B = self._order.take(settings.batch_windows)
        rate = learning_rate(progress.step, settings.learning_rate, settings.warmup_steps)
        loss = 0.0
        parts = settings.batch_windows // settings.micro_batch_windows
        for start in range(0, settings.batch_windows, settings.micro_batch_windows):
            part = step_loss(self._model, indices_B[start : start + settings.micro_batch_windows]) / parts
            part.backward()  # type: ignore[no-untyped-call]
            loss += float(part.detach())
        norm = float(nn.utils.clip_grad_norm_(self._model.parameters(), settings.clip))
        self._refuse_divergence(loss, norm, indices_B)
        self._adam.step(rate)
        if progress.step == 0:
            progress.first_loss = progress.mean_loss = loss
        progress.step += 1
        progress.order = self._order.position
        progress.mean_loss += (loss - progress.mean_loss) / min(progress.step, MEMORY)
        return {"loss": loss, "learning_rate": rate, "gradient_norm": norm}

    def validate(self, validation: Validation) -> float:
        """Measure; with patience, keep the weights if they are the best so far."""
        self._model.eval()
        with torch.no_grad():
            loss = validation.measure(self._model)
        self._model.train()
        progress = self.progress
        if not math.isfinite(loss):
            self._refuse(f"the validation loss is {loss}", "")
        if validation.patience is not None:
            progress.measurements_since_best += 1
            if progress.best_loss is None or loss < progress.best_loss:
                progress.best_loss, progress.best_step, progress.measurements_since_best = loss, progress.step, 0
                self.best = {name: tensor.detach().clone() for name, tensor in self._model.state_dict().items()}
        return loss

    def save(self) -> None:
        """Write the state as a checkpoint."""
        tensors = {f"model.{name}": tensor for name, tensor in self._model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        tensors |= {f"adam.{name}": tensor for name, tensor in self._adam.tensors().items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        self._checkpoints.save(self.progress.step, tensors, asdict(self.progress))

    def restore(self) -> bool:
        """Go back to the newest whole checkpoint; False where there is none."""
        found = self._checkpoints.load()
        if found is None:
            return False
        tensors, state = found
        self.progress = Progress(**state)
        self._order.position = self.progress.order
        self._model.load_state_dict(_below("model.", tensors))
        self.best = _below("best.", tensors)
        self._adam.restore(_below("adam.", tensors))
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"])
        return True

    def _refuse_divergence(self, loss: float, norm: float, indices_B: Indices) -> None:
        progress = self.progress
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
            f"{what} at step {self.progress.step}{windows}; last good checkpoint: {good}",
            key="learning_rate",
            remedy="lower the learning rate, lengthen the warm-up, or look at these windows' text",
        )


def _below(prefix: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
