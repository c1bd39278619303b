"""The transformer that every method trains and serves: a pre-norm decoder with tied embeddings.

Tokens go in, next-token losses come out. The paper fixes layers, width, heads and inner width (Table 6) and, by its
totals, tied embeddings and an MLP of two matrices. Learned positions, the GELU, norms without shift and no biases
are our choice: so a model is a GPT-2 whose biases are zero, which ordinary tools load.

Example: Transformer(ModelSize(2048, 128, 4, 64, 4, 256)) has 336,448 parameters, and at first a loss near ln 2048 =
7.62.

Shapes: B windows, T context, L = T + 1 tokens of a window (T inputs, T targets), D width, E = 3 D, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from speclm.model.loss import cross_entropy, token_nll
from speclm.model.size import ModelSize

Attend = Callable[[Tensor, int], Tensor]  # queries, keys and values (B, T, 3 D), and heads -> (B, T, D)


def causal_attention(qkv_BTE: Tensor, heads: int) -> Tensor:
    """Every token sees itself and those before it."""
    query, key, value = split_heads(qkv_BTE, heads)
    return join_heads(F.scaled_dot_product_attention(query, key, value, is_causal=True))


def split_heads(qkv_BTE: Tensor, heads: int) -> tuple[Tensor, ...]:
    """Queries, keys and values, each (B, heads, T, D / heads)."""
    B, T, E = qkv_BTE.shape
    return tuple(part_BTD.view(B, T, heads, E // 3 // heads).transpose(1, 2) for part_BTD in qkv_BTE.chunk(3, dim=2))


def join_heads(y: Tensor) -> Tensor:
    """(B, heads, T, D / heads) to (B, T, D)."""
    return y.transpose(1, 2).flatten(2)


class Decoder(nn.Module):
    """All of a transformer but its MLPs, which the caller gives: one function (B, T, D) -> (B, T, D) per layer.

    Parameters are allocated, not initialised: call `initialize` or `load_state_dict`.
    """

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.size = size
        self.embedding = _parameter(size.vocabulary, size.width)  # also the output matrix
        self.positions = _parameter(size.context, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.final_norm = _parameter(size.width)

    def decode(self, tokens_BT: Tensor, mlps: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
        """Hidden states (B, T, D) before the output matrix, for any T up to the context.

        A negative token (padding) is read as token 0.
        """
        x_BTD = F.embedding(tokens_BT.clamp_min(0), self.embedding) + self.positions[: tokens_BT.shape[1]]
        for block, mlp in zip(self.blocks, mlps, strict=True):
            x_BTD = block(x_BTD, mlp)
        return norm(x_BTD, self.final_norm)

    def initial_value(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """First value of a parameter: norms 1, matrices normal with standard deviation sqrt(2 / (5 * width)).

        That is 0.02 at the paper's width of 1,024 and 0.11 at 32, where 0.02 costs half a nat at a given step (Nguyen
        and Salazar 2019). Those that write into the residual stream have 1 / sqrt(2 * layers) of it, so that its
        variance does not grow with depth (as GPT-2 does). The paper is silent: assumed.
        """
        kind = name.rpartition(".")[2]
        if kind.endswith("norm"):
            return torch.ones(shape)
        writes_residual = kind in ("attention_output", "down")
        std = (2 / (5 * self.size.width)) ** 0.5
        if writes_residual:
            std /= (2 * self.size.layers) ** 0.5
        return torch.empty(shape).normal_(std=std, generator=generator)


class Block(nn.Module):
    """One layer: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.heads = size.heads
        self.attention_norm = _parameter(size.width)
        self.query_key_value = _parameter(3 * size.width, size.width)
        self.attention_output = _parameter(size.width, size.width)
        self.mlp_norm = _parameter(size.width)

    def forward(self, x_BTD: Tensor, mlp: Callable[[Tensor], Tensor], attend: Attend = causal_attention) -> Tensor:
        """(B, T, D). Another `attend` than the causal one sees more than these tokens (decoding)."""
        qkv_BTE = self.project(norm(x_BTD, self.attention_norm))
        x_BTD = x_BTD + F.linear(attend(qkv_BTE, self.heads), self.attention_output)
        return x_BTD + mlp(norm(x_BTD, self.mlp_norm))

    def project(self, x_BTD: Tensor) -> Tensor:
        """Queries, keys and values, (B, T, 3 D): what low-rank adaptation adds to."""
        return F.linear(x_BTD, self.query_key_value)


class MLP(nn.Module):
    """down(gelu(up(x))): the two matrices that a projected network gives every expert anew."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.up = _parameter(size.inner, size.width)
        self.down = _parameter(size.width, size.inner)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return F.linear(F.gelu(F.linear(x_BTD, self.up)), self.down)


class Transformer(Decoder):
    """The plain transformer: SLM, LLM, an expert of the mixture, an instantiated expert of the projected network."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__(size)
        self.mlps = nn.ModuleList(MLP(size) for _ in range(size.layers))

    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """Hidden states (B, T, D) whose product with `embedding` is the logits."""
        return self.decode(tokens_BT, list(self.mlps))

    def loss(self, tokens_BL: Tensor) -> Tensor:
        """Mean negative log likelihood (nats) of the targets tokens[:, 1:]; loss.IGNORED among them do not count."""
        hidden_BTD = self.hidden(tokens_BL[:, :-1])
        return cross_entropy(hidden_BTD.flatten(0, 1), self.embedding, tokens_BL[:, 1:].flatten())

    @torch.no_grad()
    def nll(self, tokens_BL: Tensor) -> Tensor:
        """Negative log likelihood (nats) of every target, (B, T); 0 where it is ignored."""
        hidden_BTD = self.hidden(tokens_BL[:, :-1])
        target_BT = tokens_BL[:, 1:]
        return token_nll(hidden_BTD.flatten(0, 1), self.embedding, target_BT.flatten()).view(target_BT.shape)

    @torch.no_grad()
    def logits(self, tokens_BT: Tensor) -> Tensor:
        """All logits (B, T, V): for short texts and tests."""
        return F.linear(self.hidden(tokens_BT), self.embedding)


@torch.no_grad()
def initialize(model: Decoder, generator: torch.Generator) -> None:
    """Draw all parameters from a CPU generator, in the order of their names: the same on every device."""
    for name, parameter in sorted(model.named_parameters()):
        parameter.copy_(model.initial_value(name, parameter.shape, generator))


def norm(x_BTD: Tensor, scale_D: Tensor) -> Tensor:
    """Mean 0 and variance 1 in every row, times the scale."""
    return F.layer_norm(x_BTD, scale_D.shape, scale_D)


def _parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(*shape))
