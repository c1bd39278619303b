"""The experts that a specialisation can start from, and the ways of choosing one before any is fine-tuned.

A pretraining's checkpoints go in; candidates come out, each a function that gives an ordinary transformer's weights:

    slm, llm, slm_is, slm_d   one: the checkpoint
    slm_nopt                  one: a fresh draw, the same as every pretraining of this seed began with
    slm_mix                   as many as checkpoints
    slm_pn                    as many as the checkpoint has experts, each instantiated in closed form

Domain windows in clusters 2, 0, 2, 1: `most_frequent` is expert 2 (the lower number where two are equally frequent).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize
from speclm.model.transformer import Transformer, initialize
from speclm.model.weights import load_weights
from speclm.stage.errors import UserError
from speclm.stage.streams import torch_seed
from speclm.train.checkpoint import Tensors

Expert = Callable[[], Tensors]


def open_experts(size: ModelSize, checkpoints: Sequence[Path], seed: int) -> list[Expert]:
    """The candidates of one budget.

    Args:
        checkpoints: one, those of a mixture's experts in their order, or none: then the candidate is untrained.

    Raises:
        UserError: a checkpoint is missing, damaged, or of another size than `size`.
    """
    if not checkpoints:
        return [partial(_drawn, size, seed)]
    if len(checkpoints) == 1 and load_weights(checkpoints[0])[1]["projection"]:
        return _projected(size, checkpoints[0])
    return [partial(_loaded, size, path) for path in checkpoints]


def most_frequent(clusters_N: NDArray[np.int32]) -> int:
    """The cluster that most windows lie in."""
    return int(np.bincount(clusters_N).argmax())


def _drawn(size: ModelSize, seed: int) -> Tensors:
    model = Transformer(size)
    initialize(model, torch.Generator().manual_seed(torch_seed(seed, "initialize")))
    return {name: tensor.detach() for name, tensor in model.state_dict().items()}


def _loaded(size: ModelSize, path: Path) -> Tensors:
    state, meta = load_weights(path)
    _require_size(size, meta["model"], path)
    return state


def _projected(size: ModelSize, path: Path) -> list[Expert]:
    state, meta = load_weights(path)
    _require_size(size, meta["model"], path)
    projection = ProjectionSize(**meta["projection"])
    model = ProjectedTransformer(size, projection)
    model.load_state_dict(state)
    return [partial(model.instantiate, expert) for expert in range(projection.experts)]


def _require_size(size: ModelSize, found: dict[str, int], path: Path) -> None:
    if ModelSize(**found) != size:
        raise UserError(
            f"holds a model of another size: {found}, not {size}",
            where=path,
            remedy="run the pretraining again with these settings",
        )
