"""Low-rank adaptation (the paper's LLM-lora): a transformer whose weights stay, beside them small matrices that learn.

A plain transformer goes in; after training, `merge` gives a plain transformer's state dict out again, of the same
size and as cheap to serve. In every layer the matrices of queries and of values become

    W + alpha / rank * B A      A (rank, D) drawn, B (D, rank) zero: at first the adapted model is the model itself

The paper gives the rank, 64, and about 5 million trainable parameters, which fits queries and values of its seven
layers: 7 * 2 * 2 * 2,816 * 64 = 5.05 million. Alpha and the draw of A are not published (assumed).

The frozen weights are buffers that no state dict holds: the optimizer, checkpoints and the best weights of early
stopping are the adapters alone, and training them is an ordinary `train.loop.train`.

Example, D = 3, rank = alpha = 1: A = (1 2 0), B = (0 3 0)^T add 3 * (x_1 + 2 x_2) to the second output: 6 parameters
beside the 9 of W. At D = 2,816 and rank 64 they are 0.36 million beside 7.9.

Shapes: B windows, T context, D width; 3 D: queries, keys and values, which are one matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from speclm.model.size import LowRank, ModelSize, require_rank
from speclm.model.transformer import Block, Transformer


class AdaptedTransformer(Transformer):
    """A transformer of which only the adapters are parameters; loss, hidden, nll and logits are the plain one's.

    Its state dict holds the adapters alone: allocated, not initialised: call `initialize` or `load_state_dict`.

    Args:
        base: the model to adapt; its tensors are taken over, not copied.

    Raises:
        UserError: the rank is more than the width.
    """

    def __init__(self, base: Transformer, low_rank: LowRank) -> None:
        require_rank(base.size, low_rank)
        super().__init__(base.size)
        self.blocks = nn.ModuleList(AdaptedBlock(base.size, low_rank) for _ in range(base.size.layers))
        for name, parameter in base.named_parameters():
            _freeze(self, name, parameter.detach())

    @torch.no_grad()
    def merge(self) -> dict[str, Tensor]:
        """State dict of the plain `Transformer` that this is."""
        state = {name: tensor.clone() for name, tensor in self.named_buffers()}
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, AdaptedBlock)
            query_DD, _, value_DD = state[f"blocks.{layer}.query_key_value"].chunk(3)  # views: added to in place
            query_DD += block.query.matrix()
            value_DD += block.value.matrix()
        return state

    def initial_value(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """A keeps the size of what it projects: normal with variance 1 / D. B is zero."""
        if name.endswith(".b"):
            return torch.zeros(shape)
        return torch.empty(shape).normal_(std=shape[1] ** -0.5, generator=generator)


class AdaptedBlock(Block):
    """A layer with an adapter of its queries and one of its values."""

    def __init__(self, size: ModelSize, low_rank: LowRank) -> None:
        super().__init__(size)
        self.query = Adapter(size.width, low_rank)
        self.value = Adapter(size.width, low_rank)

    def project(self, x_BTD: Tensor) -> Tensor:
        query_BTD, key_BTD, value_BTD = super().project(x_BTD).chunk(3, dim=-1)
        return torch.cat((query_BTD + self.query(x_BTD), key_BTD, value_BTD + self.value(x_BTD)), dim=-1)


class Adapter(nn.Module):
    """What is added to one (D, D) matrix: alpha / rank * B A, never multiplied out in training."""

    def __init__(self, width: int, low_rank: LowRank) -> None:
        super().__init__()
        self.scale = low_rank.alpha / low_rank.rank
        self.a = nn.Parameter(torch.empty(low_rank.rank, width))
        self.b = nn.Parameter(torch.empty(width, low_rank.rank))

    def forward(self, x_BTD: Tensor) -> Tensor:
        return F.linear(self.scale * F.linear(x_BTD, self.a), self.b)

    def matrix(self) -> Tensor:
        """The (D, D) matrix itself."""
        return self.scale * self.b @ self.a


def _freeze(model: nn.Module, name: str, tensor: Tensor) -> None:
    """Put a buffer that moves with the model, but is not part of its state, in the place of a parameter."""
    path, _, last = name.rpartition(".")
    module = model.get_submodule(path)
    delattr(module, last)
    module.register_buffer(last, tensor, persistent=False)
