"""Low-rank adaptation against its definition, the full-matrix one: weights W + alpha / rank * B A."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from speclm.model.lora import AdaptedTransformer
from speclm.model.size import LowRank, ModelSize, adapter_parameter_count
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError

LOW_RANK = LowRank(rank=2, alpha=6)
SCALE = 3.0
LLM = ModelSize(vocabulary=32_000, context=1024, layers=7, width=2816, heads=22, inner=11264)


@pytest.fixture
def base(size: ModelSize, generator: torch.Generator) -> Transformer:
    model = Transformer(size)
    initialize(model, generator)
    shake(model, generator)
    return model


@pytest.fixture
def adapted(base: Transformer, generator: torch.Generator) -> AdaptedTransformer:
    """Adapters as after some training: B is not zero."""
    model = AdaptedTransformer(base, LOW_RANK)
    initialize(model, generator)
    shake(model, generator)
    return model


@torch.no_grad()
def shake(model: torch.nn.Module, generator: torch.Generator) -> None:
    """Larger numbers than at the start, so that every part matters."""
    for _, parameter in sorted(model.named_parameters()):
        parameter += 0.2 * torch.randn(parameter.shape, generator=generator)


def full_matrices(base: Transformer, adapted: AdaptedTransformer) -> Transformer:
    """The definition: a plain transformer with the products added to rows of queries (first) and of values (last)."""
    plain, D = Transformer(base.size), base.size.width
    state = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    low = adapted.state_dict()
    for layer in range(base.size.layers):
        matrix = state[f"blocks.{layer}.query_key_value"]
        for kind, first in (("query", 0), ("value", 2 * D)):
            matrix[first : first + D] += SCALE * low[f"blocks.{layer}.{kind}.b"] @ low[f"blocks.{layer}.{kind}.a"]
    plain.load_state_dict(state)
    return plain


def test_starts_as_the_base_to_the_last_bit(base: Transformer, generator: torch.Generator, tokens_BL: Tensor) -> None:
    adapted = AdaptedTransformer(base, LOW_RANK)
    initialize(adapted, generator)
    assert torch.equal(adapted.logits(tokens_BL[:, :-1]), base.logits(tokens_BL[:, :-1]))
    assert all(torch.equal(tensor, base.state_dict()[name]) for name, tensor in adapted.merge().items())
    assert adapted.state_dict()["blocks.0.query.a"].std().item() == pytest.approx(base.size.width**-0.5, rel=0.3)


def test_equals_the_full_matrices(base: Transformer, adapted: AdaptedTransformer, tokens_BL: Tensor) -> None:
    plain = full_matrices(base, adapted)
    assert (plain.nll(tokens_BL) - base.nll(tokens_BL)).abs().max() > 0.01  # the adapters do something
    torch.testing.assert_close(adapted.nll(tokens_BL), plain.nll(tokens_BL), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(adapted.loss(tokens_BL), plain.loss(tokens_BL), rtol=1e-10, atol=1e-10)


def test_merged_is_a_plain_transformer(base: Transformer, adapted: AdaptedTransformer, tokens_BL: Tensor) -> None:
    before, merged = {name: t.clone() for name, t in base.state_dict().items()}, Transformer(base.size)
    merged.load_state_dict(adapted.merge())
    torch.testing.assert_close(merged.nll(tokens_BL), adapted.nll(tokens_BL), rtol=1e-10, atol=1e-10)
    D = base.size.width
    for name, tensor in merged.state_dict().items():
        if name.endswith("query_key_value"):
            assert torch.equal(tensor[D : 2 * D], before[name][D : 2 * D])
            assert not torch.equal(tensor, before[name])
        else:
            assert torch.equal(tensor, before[name])
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())


def test_gradients_equal_those_through_the_full_matrices(
    base: Transformer, adapted: AdaptedTransformer, tokens_BL: Tensor
) -> None:
    """With W' = W + s B A and G the gradient to W': s G A^T to B, s B^T G to A."""
    adapted.loss(tokens_BL).backward()
    plain = full_matrices(base, adapted)
    plain.loss(tokens_BL).backward()
    for layer, (block, whole) in enumerate(zip(adapted.blocks, plain.blocks, strict=True)):
        query_DD, _, value_DD = whole.query_key_value.grad.chunk(3)
        for kind, grad_DD in (("query", query_DD), ("value", value_DD)):
            a, b = (getattr(getattr(block, kind), name) for name in ("a", "b"))
            torch.testing.assert_close(b.grad, SCALE * grad_DD @ a.detach().T, rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(a.grad, SCALE * b.detach().T @ grad_DD, rtol=1e-9, atol=1e-12)
            assert a.grad.abs().max() > 1e-6, (layer, kind)


def test_gradients_equal_finite_differences(adapted: AdaptedTransformer, tokens_BL: Tensor) -> None:
    names, values = zip(*adapted.named_parameters(), strict=True)

    def loss(*adapters: Tensor) -> Tensor:
        return functional_call(adapted, dict(zip(names, adapters, strict=True)), (tokens_BL,))

    adapted.forward = adapted.loss  # what functional_call calls
    assert torch.autograd.gradcheck(loss, values, eps=1e-6, atol=1e-8, rtol=1e-6)


def test_only_the_adapters_are_parameters(base: Transformer, adapted: AdaptedTransformer, tokens_BL: Tensor) -> None:
    names = {name for name, _ in adapted.named_parameters()}
    assert names == set(adapted.state_dict())
    assert len(names) == base.size.layers * 4
    assert sum(p.numel() for p in adapted.parameters()) == adapter_parameter_count(base.size, LOW_RANK)
    adapted.loss(tokens_BL).backward()
    assert all(buffer.grad is None and not buffer.requires_grad for buffer in adapted.buffers())


def test_the_adapters_alone_are_enough_to_go_on(base: Transformer, adapted: AdaptedTransformer) -> None:
    again = AdaptedTransformer(base, LOW_RANK)
    again.load_state_dict(adapted.state_dict())
    assert all(torch.equal(tensor, again.merge()[name]) for name, tensor in adapted.merge().items())


def test_a_rank_above_the_width_is_refused(base: Transformer) -> None:
    with pytest.raises(UserError, match="rank: adapters of rank 999 asked of matrices of width"):
        AdaptedTransformer(base, LowRank(rank=999, alpha=1))


def test_parameters_at_the_papers_size() -> None:
    count = adapter_parameter_count(LLM, LowRank(rank=64, alpha=64))
    assert count == 7 * 2 * 2 * 2816 * 64
    assert count / 1e6 == pytest.approx(5, abs=0.05)
    with torch.device("meta"):
        model = AdaptedTransformer(Transformer(LLM), LowRank(rank=64, alpha=64))
    assert sum(parameter.numel() for parameter in model.parameters()) == count
