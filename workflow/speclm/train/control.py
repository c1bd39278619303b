"""The control of fine-tuning: how much of its gain is only more steps at a lower rate, on whatever text.

The pretrained model goes on with generic windows for as many steps as its fine-tuning on the domain took to its best,
at the same rate and batch; what comes out is measured like a fine-tuned model. Fine-tuning on 16,000 tokens that was
best at step 125 has a control of 125 steps. (Not in the paper.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from speclm.data.windows import Windows
from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer
from speclm.stage.streams import torch_seed
from speclm.train.batches import ShuffledEpochs
from speclm.train.engine import Session
from speclm.train.finetune import Finetuning, label_loss, validation_loss
from speclm.train.loop import Outcome, train
from speclm.train.ranks import alone


@dataclass(frozen=True)
class Control:
    """The generic windows that are learned, and for how many steps, by (size, budget)."""

    generic: Windows
    steps: Mapping[tuple[int, int], int]


def continue_pretraining(
    weights: Mapping[str, Tensor],
    model_size: ModelSize,
    valid_split: Windows,
    generic: Windows,
    steps: int,
    tokens: int,
    settings: Finetuning,
    session: Session,
    device: torch.device,
) -> Outcome:
    """Train a transformer from `weights` on generic windows for so many steps, and return its last weights.

    Args:
        valid_split: the domain's, on which the outcome's loss is measured; nothing is chosen by it.
        tokens: the domain size whose rate is taken.
    """
    model = Transformer(model_size)
    model.load_state_dict(dict(weights))
    rate = settings.optimization.learning_rate / settings.of(tokens).rate_divisor
    outcome = train(
        model.to(device),
        label_loss(generic, device),
        ShuffledEpochs(np.arange(generic.count), session.seed, "control", tokens),
        replace(settings.optimization, learning_rate=rate),
        steps,
        milestones=(),
        on_milestone=lambda step, state: None,
        validation=None,
        journal_every=settings.journal_every,
        save_every=settings.save_every,
        tokens_per_window=generic.context,
        seed=torch_seed(session.seed, "control", tokens),
        session=session,
        ranks=alone(device),
    )
    with torch.no_grad(), session.engine.autocast():
        loss = validation_loss(model.eval(), valid_split, settings, device)
    return replace(outcome, capped=False, best_loss=loss, best_step=steps)
