"""Generation token by token: what serving a model does, at the cost of one token per step.

A transformer and some texts' tokens go in, the tokens that follow come out. Keys and values of all tokens seen are
kept, so that a step computes the newest token alone and attends to the others as they were; hidden states are those of
`Transformer.hidden` but for rounding. The first tokens (the prompt) go in together.

    memory of one text: 2 * layers * context * D numbers; for the laptop's small model 2 * 4 * 128 * 48 = 49 thousand

Example: generate(model, tensor([[1, 17]]), 3, greedy) -> [[5, 9, 2]], each token the likeliest after those before it.

Shapes: B texts, T new tokens of each, P tokens seen before, D width, E = 3 D, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer, join_heads, norm, split_heads
from speclm.stage.errors import UserError

Choose = Callable[[Tensor], Tensor]  # logits (B, V) -> next tokens (B,)


@torch.no_grad()
def generate(model: Transformer, prompt_BT: Tensor, count: int, choose: Choose) -> Tensor:
    """The next `count` tokens of every text, (B, count).

    Raises:
        UserError: the prompt is empty, or does not leave room for `count` tokens in the context.
    """
    if prompt_BT.shape[1] < 1:
        raise UserError("there is no token to go on from", key="prompt", remedy="begin with the tokenizer's bos token")
    require_room(model.size, prompt_BT.shape[1] + count)
    decoding, new_BT, chosen = Decoding(model), prompt_BT, []
    for _ in range(count):
        new_BT = choose(decoding.step(new_BT))[:, None]
        chosen.append(new_BT)
    return torch.cat(chosen, dim=1) if chosen else prompt_BT[:, :0]


def greedy(logits_BV: Tensor) -> Tensor:
    """The likeliest token."""
    return logits_BV.argmax(dim=1)


def sampled(temperature: float, generator: torch.Generator) -> Choose:
    """Tokens drawn with p ~ exp(logit / temperature); the generator lies on the model's device.

    Raises:
        UserError: a temperature that is not above zero.
    """
    if temperature <= 0:
        raise UserError(
            f"{temperature} is not above zero", key="temperature", remedy="choose 1, or less, or greedy generation"
        )

    def choose(logits_BV: Tensor) -> Tensor:
        p_BV = torch.softmax(logits_BV / temperature, dim=1)
        return torch.multinomial(p_BV, 1, generator=generator)[:, 0]

    return choose


class Decoding:
    """Texts under way: a model, and the keys and values of the tokens that it has seen. No gradient."""

    def __init__(self, model: Transformer) -> None:
        self._model = model
        self._layers = [_Memory(model.size.context) for _ in range(model.size.layers)]
        self._seen = 0

    @torch.no_grad()
    def step(self, tokens_BT: Tensor) -> Tensor:
        """Logits (B, V) of the token that follows these. UserError: past the context."""
        return F.linear(self.hidden(tokens_BT)[:, -1], self._model.embedding)

    @torch.no_grad()
    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """Hidden states (B, T, D) of the next T tokens of every text. UserError: past the context."""
        require_room(self._model.size, self._seen + tokens_BT.shape[1])
        first, self._seen = self._seen, self._seen + tokens_BT.shape[1]
        x_BTD = F.embedding(tokens_BT, self._model.embedding) + self._model.positions[first : self._seen]
        for block, mlp, memory in zip(self._model.blocks, self._model.mlps, self._layers, strict=True):
            x_BTD = block(x_BTD, mlp, memory.attend)
        return norm(x_BTD, self._model.final_norm)


class _Memory:
    """Keys and values of one layer."""

    def __init__(self, context: int) -> None:
        self._context = context
        self._keys = self._values = torch.empty(0)
        self._seen = 0

    def attend(self, qkv_BTE: Tensor, heads: int) -> Tensor:
        """Keep the new tokens' keys and values; let each new token see itself and all before it."""
        query, key, value = split_heads(qkv_BTE, heads)  # each (B, heads, T, D / heads)
        B, _, T, d = query.shape
        if self._seen == 0:
            self._keys, self._values = (key.new_empty(B, heads, self._context, d) for _ in range(2))
        first, self._seen = self._seen, self._seen + T
        self._keys[:, :, first : self._seen] = key
        self._values[:, :, first : self._seen] = value
        visible_TP = None  # the newest token sees all
        if T > 1:
            visible_TP = torch.ones(T, self._seen, dtype=torch.bool, device=key.device).tril(first)
        seen = (self._keys[:, :, : self._seen], self._values[:, :, : self._seen])
        return join_heads(F.scaled_dot_product_attention(query, *seen, attn_mask=visible_TP))


def require_room(size: ModelSize, tokens: int) -> None:
    """Raise UserError when so many tokens do not fit into the context."""
    if tokens > size.context:
        raise UserError(
            f"{tokens} tokens do not fit into the model's context of {size.context}",
            key="context",
            remedy="give a shorter prompt, or ask for fewer tokens",
        )
