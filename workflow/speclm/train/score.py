"""What a model says of windows: the negative log-likelihood of every token, whatever kind of model it is.

A score is a function (tokens_BL, indices_B) -> nll_BT: a model that routes windows to experts looks them up by index.

    a model of zeros gives every token ln V nats, and so has the mean ln V

Shapes: B windows, T context, L = T + 1, N windows of a set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speclm.data.windows import Windows
from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer
from speclm.train.batches import Indices, load

Score = Callable[[Tensor, Indices], Tensor]  # (tokens_BL, indices_B) -> nll_BT in nats, 0 at ignored targets


def plain_score(size: ModelSize, state: Mapping[str, Tensor], device: torch.device) -> Score:
    """The score of a plain transformer."""
    model = _transformer(size, state, device)
    return lambda tokens_BL, indices_B: model.nll(tokens_BL)


def routed_score(
    size: ModelSize, experts: Sequence[Mapping[str, Tensor]], clusters_N: NDArray[np.int32], device: torch.device
) -> Score:
    """The score of a mixture or of a projected network's instances: every window goes to its cluster's expert."""
    models = [_transformer(size, state, device) for state in experts]

    def score(tokens_BL: Tensor, indices_B: Indices) -> Tensor:
        expert_B = torch.from_numpy(np.asarray(clusters_N[indices_B], dtype=np.int64)).to(device)
        nll_BT = torch.zeros((tokens_BL.shape[0], tokens_BL.shape[1] - 1), device=device)
        for expert in np.unique(clusters_N[indices_B]).tolist():
            nll_BT[expert_B == expert] = models[expert].nll(tokens_BL[expert_B == expert])
        return nll_BT

    return score


def mean_nll(score: Score, windows: Windows, indices_N: Indices, batch_windows: int, device: torch.device) -> float:
    """Mean nats per token over some whole windows: cheap enough for early stopping."""
    total = 0.0
    for start in range(0, len(indices_N), batch_windows):
        indices_B = indices_N[start : start + batch_windows]
        total += float(score(load(windows, indices_B, device), indices_B).double().sum())
    return total / (len(indices_N) * windows.context)


def _transformer(size: ModelSize, state: Mapping[str, Tensor], device: torch.device) -> Transformer:
    model = Transformer(size)
    model.load_state_dict(dict(state))
    return model.to(device).eval()
