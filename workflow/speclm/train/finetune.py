"""Fine-tuning one model on one domain at one size, with the paper's protocol: early stopping on validation, a cap on
steps, a third of the rate for the smallest size.

Weights go in, the weights of the best validation loss come out. The loss before the first step counts as well: a
fine-tuning that only harms gives back what it was given. A size of 4,096 tokens is the split's first 32 windows of 128;
a larger size contains the smaller.

With low-rank adaptation (the paper's LLM-lora) the given weights stay and adapters beside them learn; what comes out is
the two merged, an ordinary transformer's weights in either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from speclm.data.windows import Windows
from speclm.model.lora import AdaptedTransformer
from speclm.model.size import LowRank, ModelSize
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError
from speclm.stage.streams import torch_seed
from speclm.train.batches import ShuffledEpochs, load
from speclm.train.engine import Session
from speclm.train.loop import Optimization, Outcome, StepLoss, Validation, train
from speclm.train.ranks import alone
from speclm.train.score import mean_nll


@dataclass(frozen=True)
class DomainSize:
    """How to fine-tune on `tokens` tokens; the rate is divided by `rate_divisor`, `validate_every` is in steps."""

    tokens: int
    rate_divisor: float
    max_steps: int
    validate_every: int


@dataclass(frozen=True)
class Finetuning:
    """How to fine-tune. `lora`: adapters of this size learn, not all weights. `patience` counts looks at validation,
    which sees the split's first `validation_windows`; an expert chosen before fine-tuning is chosen on at most
    `search_windows` training windows."""

    optimization: Optimization
    sizes: tuple[DomainSize, ...]
    lora: LowRank | None
    patience: int
    validation_windows: int
    validation_batch_windows: int
    search_windows: int
    save_every: int
    journal_every: int

    def of(self, tokens: int) -> DomainSize:
        """The row of a size.

        Raises:
            UserError: there is none.
        """
        for row in self.sizes:
            if row.tokens == tokens:
                return row
        known = ", ".join(str(row.tokens) for row in self.sizes)
        raise UserError(f"no settings for {tokens} tokens", key="sizes", remedy=f"choose among {known}, or add a row")


def finetune(
    weights: Mapping[str, Tensor],
    model_size: ModelSize,
    domain: str,
    train_split: Windows,
    valid_split: Windows,
    tokens: int,
    settings: Finetuning,
    step_loss: StepLoss,
    session: Session,
    device: torch.device,
) -> Outcome:
    """Fine-tune a transformer from `weights` and return its best ones.

    Every method sees the windows in the same order, so that a comparison of methods is paired.

    Raises:
        UserError: no settings for this size, a split shorter than it, adapters of a higher rank than the model's width,
            and all that `loop.train` raises.
    """
    row = settings.of(tokens)
    model = Transformer(model_size)
    model.load_state_dict(dict(weights))
    if settings.lora is not None:
        model = AdaptedTransformer(model, settings.lora)
        initialize(model, torch.Generator().manual_seed(torch_seed(session.seed, "adapters", domain, tokens)))
    rate = settings.optimization.learning_rate / row.rate_divisor
    outcome = train(
        model.to(device),
        step_loss,
        ShuffledEpochs(np.arange(train_split.first(tokens)), session.seed, "finetune", domain, tokens),
        replace(settings.optimization, learning_rate=rate),
        row.max_steps,
        milestones=(),
        on_milestone=lambda step, weights: None,
        validation=Validation(
            lambda trained: validation_loss(trained, valid_split, settings, device),
            row.validate_every,
            settings.patience,
        ),
        journal_every=settings.journal_every,
        save_every=settings.save_every,
        tokens_per_window=train_split.context,
        seed=torch_seed(session.seed, "finetune", domain, tokens),
        session=session,
        ranks=alone(device),
    )
    if not isinstance(model, AdaptedTransformer):
        return outcome
    model.load_state_dict(outcome.weights)
    return replace(outcome, weights=model.merge())


def label_loss(train_split: Windows, device: torch.device) -> StepLoss:
    """The ordinary loss: the next token."""
    return StepLoss(
        lambda indices_B: (load(train_split, indices_B, device),), lambda model, tokens_BL: model.loss(tokens_BL)
    )


def validation_loss(model: Transformer, valid_split: Windows, settings: Finetuning, device: torch.device) -> float:
    """Mean nats per token on the validation split's first windows."""
    return windows_loss(model, valid_split, min(settings.validation_windows, valid_split.count), settings, device)


def windows_loss(model: Transformer, windows: Windows, count: int, settings: Finetuning, device: torch.device) -> float:
    """Mean nats per token on the first `count` windows."""
    return mean_nll(
        lambda tokens_BL, _: model.nll(tokens_BL), windows, np.arange(count), settings.validation_batch_windows, device
    )
