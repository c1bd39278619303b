"""A transformer in which no two parts can be exchanged unseen."""

from __future__ import annotations

import torch

from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer, initialize


def uneven_transformer(size: ModelSize) -> Transformer:
    """First weights, and norms that differ: ones would hide an exchange."""
    model, generator = Transformer(size), torch.Generator().manual_seed(17)
    initialize(model, generator)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm"):
                parameter.uniform_(0.5, 1.5, generator=generator)
    return model
