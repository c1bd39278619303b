from __future__ import annotations

import pytest
import torch
from torch import Tensor

from speclm.model.decoding import Decoding, generate, greedy, sampled
from speclm.model.lora import AdaptedTransformer
from speclm.model.size import LowRank, ModelSize
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError


@pytest.fixture
def model(size: ModelSize, generator: torch.Generator) -> Transformer:
    return drawn(Transformer(size), generator)


@torch.no_grad()
def drawn(model: Transformer, generator: torch.Generator) -> Transformer:
    """Larger numbers than as initialised, so that every part matters."""
    initialize(model, generator)
    for parameter in model.parameters():
        parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.mark.parametrize("parts", [[1] * 8, [8], [5, 1, 1, 1], [2, 3, 1, 2]])
def test_hidden_states_are_those_of_the_whole_text(model: Transformer, tokens_BL: Tensor, parts: list[int]) -> None:
    tokens_BT = tokens_BL[:, :-1]
    decoding = Decoding(model)
    found = torch.cat([decoding.hidden(part_BT) for part_BT in tokens_BT.split(parts, dim=1)], dim=1)
    torch.testing.assert_close(found, model.hidden(tokens_BT), rtol=1e-11, atol=1e-11)


def test_logits_are_those_of_the_last_token(model: Transformer, tokens_BL: Tensor) -> None:
    decoding = Decoding(model)
    for last in range(1, 6):
        new_BT = tokens_BL[:, last - 1 : last]
        expected_BV = model.logits(tokens_BL[:, :last])[:, -1]
        torch.testing.assert_close(decoding.step(new_BT), expected_BV, rtol=1e-11, atol=1e-11)


def test_an_adapted_model_decodes_as_the_merged_one(
    model: Transformer, generator: torch.Generator, tokens_BL: Tensor
) -> None:
    adapted = drawn(AdaptedTransformer(model, LowRank(2, 4)), generator)
    merged = Transformer(model.size)
    merged.load_state_dict(adapted.merge())
    expected = Decoding(merged).step(tokens_BL[:, :4])
    torch.testing.assert_close(Decoding(adapted).step(tokens_BL[:, :4]), expected, rtol=1e-10, atol=1e-10)


def test_greedy_tokens_are_the_likeliest_of_the_whole_text_so_far(model: Transformer, tokens_BL: Tensor) -> None:
    text_BT = tokens_BL[:, :3]
    for _ in range(5):
        text_BT = torch.cat((text_BT, model.logits(text_BT)[:, -1].argmax(1, keepdim=True)), dim=1)
    assert torch.equal(generate(model, tokens_BL[:, :3], 5, greedy), text_BT[:, 3:])
    assert len(text_BT[:, 3:].unique()) > 3


def test_sampled_tokens_follow_the_models_distribution(model: Transformer) -> None:
    prompt_BT = torch.tensor([[3, 11]]).expand(5_000, 2)
    choose = sampled(2.0, torch.Generator().manual_seed(5))
    drawn_B = generate(model, prompt_BT, 1, choose)[:, 0]
    share_V = torch.bincount(drawn_B, minlength=model.size.vocabulary) / len(drawn_B)
    p_V = torch.softmax(model.logits(prompt_BT[:1])[0, -1] / 2.0, dim=0)
    assert p_V.max() < 0.5
    deviation_V = (share_V - p_V).abs() / (p_V * (1 - p_V) / len(drawn_B)).sqrt()
    assert deviation_V.max() < 4.5
    again_B = generate(model, prompt_BT, 1, sampled(2.0, torch.Generator().manual_seed(5)))[:, 0]
    assert torch.equal(drawn_B, again_B)


def test_nothing_is_asked_for(model: Transformer, tokens_BL: Tensor) -> None:
    assert generate(model, tokens_BL[:, :8], 0, greedy).shape == (6, 0)


def test_past_the_context_is_refused(model: Transformer, tokens_BL: Tensor) -> None:
    with pytest.raises(UserError, match="10 tokens do not fit into the model's context of 8"):
        generate(model, tokens_BL[:, :4], 6, greedy)
    decoding = Decoding(model)
    decoding.step(tokens_BL[:, :8])
    with pytest.raises(UserError, match="9 tokens do not fit"):
        decoding.step(tokens_BL[:, :1])


def test_an_empty_prompt_and_a_temperature_of_zero_are_refused(model: Transformer, tokens_BL: Tensor) -> None:
    with pytest.raises(UserError, match="no token to go on from"):
        generate(model, tokens_BL[:, :0], 2, greedy)
    with pytest.raises(UserError, match="temperature"):
        sampled(0.0, torch.Generator())
