"""A peer: a plain training loop in the style of nanoGPT, on the very model that we train.

The model as one writes it first: modules, `scaled_dot_product_attention`, all logits at once, `F.cross_entropy`; the
loop too: random windows from a memory map, `backward`, `clip_grad_norm_`, `torch.optim.AdamW(fused=True)`. Eager. It
has our architecture (pre-norm, tied embeddings, learned positions, exact GELU, no biases) and so as many parameters.

Shapes: B windows, T context, D width, V vocabulary, H heads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from speclm.bench.training import BeforeStep, Training
from speclm.data.windows import open_windows
from speclm.model.size import ModelSize
from speclm.train.schedule import learning_rate


class GPT(nn.Module):
    """Tokens (B, T) in; logits (B, T, V) out."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.tokens = nn.Embedding(size.vocabulary, size.width)
        self.positions = nn.Embedding(size.context, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width, bias=False)
        self.head = nn.Linear(size.width, size.vocabulary, bias=False)
        self.apply(_initialize)
        self.head.weight = self.tokens.weight

    def forward(self, tokens_BT: Tensor) -> Tensor:
        positions_T = torch.arange(tokens_BT.shape[1], device=tokens_BT.device)
        x_BTD = self.tokens(tokens_BT) + self.positions(positions_T)
        for block in self.blocks:
            x_BTD = block(x_BTD)
        logits_BTV: Tensor = self.head(self.norm(x_BTD))
        return logits_BTV

    def loss(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Mean cross entropy (nats)."""
        return F.cross_entropy(self(tokens_BT).flatten(0, 1), targets_BT.flatten())


class Block(nn.Module):
    """Attention and MLP, each normed before and added after."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(size.width, bias=False)
        self.attention = Attention(size)
        self.mlp_norm = nn.LayerNorm(size.width, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(size.width, size.inner, bias=False), nn.GELU(), nn.Linear(size.inner, size.width, bias=False)
        )

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_BTD = x_BTD + self.attention(self.attention_norm(x_BTD))
        y_BTD: Tensor = x_BTD + self.mlp(self.mlp_norm(x_BTD))
        return y_BTD


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.heads = size.heads
        self.query_key_value = nn.Linear(size.width, 3 * size.width, bias=False)
        self.output = nn.Linear(size.width, size.width, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        query, key, value = (
            part_BTD.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part_BTD in self.query_key_value(x_BTD).chunk(3, dim=2)
        )
        y_BHTd = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        y_BTD: Tensor = self.output(y_BHTd.transpose(1, 2).flatten(2))
        return y_BTD


def train_nanogpt(training: Training, before_step: BeforeStep) -> None:
    """Train without end; `before_step` is called before every step."""
    torch.set_num_threads(training.engine.threads)
    torch.manual_seed(training.seed)
    optimization, context = training.settings.optimization, training.size.context
    tokens = open_windows(training.store).tokens
    model = GPT(training.size)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=optimization.learning_rate,
        betas=(optimization.beta1, optimization.beta2),
        weight_decay=optimization.weight_decay,
        fused=True,
    )
    step = 0
    while True:
        before_step()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, optimization.learning_rate, optimization.warmup_steps)
        windows_BL = uniform_batch(tokens, context, optimization.batch_windows)
        loss = model.loss(windows_BL[:, :-1], windows_BL[:, 1:])
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), optimization.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1


def uniform_batch(tokens: np.ndarray[Any, Any], context: int, windows: int) -> Tensor:
    """Windows (B, T + 1) that begin anywhere in a memory map."""
    starts_B = torch.randint(len(tokens) - context, (windows,)).tolist()
    return torch.stack([torch.from_numpy(tokens[s : s + context + 1].astype(np.int64)) for s in starts_B])


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
