from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from speclm.model.loss import IGNORED
from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer, initialize


@pytest.fixture
def model(size: ModelSize, generator: torch.Generator) -> Transformer:
    model = Transformer(size)
    initialize(model, generator)
    with torch.no_grad():  # larger than as initialised, so that every part matters
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model


def naive_logits(model: Transformer, tokens_BT: Tensor) -> Tensor:
    """The definition, head by head and with an explicit mask."""
    size, w = model.size, model.state_dict()
    T, d = tokens_BT.shape[1], model.size.width // model.size.heads

    def norm(x: Tensor, scale: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return scale * centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()

    x = w["embedding"][tokens_BT] + w["positions"][:T]
    mask = torch.full((T, T), -math.inf).triu(1)
    for layer in range(size.layers):
        block, mlp = f"blocks.{layer}.", f"mlps.{layer}."
        q, k, v = (norm(x, w[block + "attention_norm"]) @ w[block + "query_key_value"].T).chunk(3, dim=-1)
        heads = []
        for head in range(size.heads):
            part = slice(head * d, (head + 1) * d)
            scores = q[..., part] @ k[..., part].transpose(1, 2) / d**0.5 + mask
            heads.append(scores.softmax(-1) @ v[..., part])
        x = x + torch.cat(heads, -1) @ w[block + "attention_output"].T
        x = x + F.gelu(norm(x, w[block + "mlp_norm"]) @ w[mlp + "up"].T) @ w[mlp + "down"].T
    return norm(x, w["final_norm"]) @ w["embedding"].T


def test_logits_equal_the_definition(model: Transformer, tokens_BL: Tensor) -> None:
    tokens_BT = tokens_BL[:, :-1]
    torch.testing.assert_close(model.logits(tokens_BT), naive_logits(model, tokens_BT), rtol=1e-10, atol=1e-10)


def test_loss_is_the_mean_nll_of_the_next_tokens(model: Transformer, tokens_BL: Tensor) -> None:
    tokens_BL[2, 5:] = IGNORED
    logits = naive_logits(model, tokens_BL[:, :-1].clamp_min(0)).flatten(0, 1)
    targets = tokens_BL[:, 1:].flatten()
    expected_BT = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none").view(6, -1)
    torch.testing.assert_close(model.nll(tokens_BL), expected_BT, rtol=1e-10, atol=1e-10)
    assert model.loss(tokens_BL).item() == pytest.approx((expected_BT.sum() / (targets != IGNORED).sum()).item())


def test_gradients_equal_those_of_plain_autograd(model: Transformer, tokens_BL: Tensor) -> None:
    model.loss(tokens_BL).backward()
    ours = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    logits = F.linear(model.hidden(tokens_BL[:, :-1]), model.embedding)
    F.cross_entropy(logits.flatten(0, 1), tokens_BL[:, 1:].flatten()).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-9, atol=1e-12)


def test_a_token_changes_no_prediction_before_it(model: Transformer, tokens_BL: Tensor) -> None:
    tokens_BT = tokens_BL[:, :-1]
    changed_BT = tokens_BT.clone()
    changed_BT[:, 4] = (changed_BT[:, 4] + 1) % model.size.vocabulary
    difference_BT = (model.logits(tokens_BT) - model.logits(changed_BT)).abs().amax(-1)
    assert difference_BT[:, :4].max() < 1e-12
    assert difference_BT[:, 4:].min() > 1e-6


def test_initialisation_is_repeatable_with_the_stated_spread_and_near_uniform_loss() -> None:
    size = ModelSize(vocabulary=512, context=16, layers=2, width=64, heads=4, inner=256)
    models = [Transformer(size), Transformer(size)]
    for model in models:
        initialize(model, torch.Generator().manual_seed(3))
    states = [model.state_dict() for model in models]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    std = 0.02 * (1024 / 64) ** 0.5  # 0.02 at the paper's width
    assert states[0]["mlps.1.up"].std().item() == pytest.approx(std, rel=0.03)
    assert states[0]["mlps.1.down"].std().item() == pytest.approx(std / 2, rel=0.03)
    assert states[0]["blocks.0.attention_output"].std().item() == pytest.approx(std / 2, rel=0.05)
    assert torch.equal(states[0]["final_norm"], torch.ones(64))
    tokens_BL = torch.randint(512, (8, 17), generator=torch.Generator().manual_seed(0))
    # logits of variance width * std^2 = 2 / 5 cost half of that beside uniform ones
    assert models[0].loss(tokens_BL).item() == pytest.approx(math.log(512) + 64 * std**2 / 2, rel=0.01)
