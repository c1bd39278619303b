from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from speclm.model.lora import AdaptedTransformer
from speclm.model.projected import ProjectedMLP, ProjectedTransformer
from speclm.model.size import (
    LowRank,
    ModelSize,
    ProjectionSize,
    adapter_parameter_count,
    forward_flops_per_token,
    mixture_parameter_count,
    parameter_count,
    projected_parameter_count,
    projection_flops,
    training_flops_per_token,
)
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError

TABLE = Path(__file__).parents[3] / "config" / "reference" / "paper" / "table_1_7_parameters.csv"
SLM = ModelSize(vocabulary=32_000, context=1024, layers=7, width=1024, heads=8, inner=4096)
LLM = ModelSize(vocabulary=32_000, context=1024, layers=7, width=2816, heads=22, inner=11264)


def paper_projection(experts: int) -> ProjectionSize:
    return ProjectionSize(experts, components=experts, rank=experts, projected_layers=5, start="shared")


def built_parameters(build: Callable[[], nn.Module]) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build().parameters())


def published_millions(model: str, experts: str) -> int:
    with TABLE.open() as file:
        rows = [row for row in csv.DictReader(file) if (row["model"], row["experts"]) == (model, experts)]
    return int(rows[0]["pretraining_millions"])


# residue = published - ours in millions, explained in the module's docstring
@pytest.mark.parametrize(
    ("model", "experts", "published", "residue"),
    [
        ("SLM", "", 126, 4.1),
        ("LLM", "", 771, 11.9),
        ("SLM-pn", "16", 756, 4.9),
        ("SLM-pn", "32", 1422, -0.2),
        ("SLM-pn", "64", 2770, 5.7),
        ("SLM-mix", "16", 2016, 65.4),
    ],
)
def test_parameters_at_the_papers_sizes(model: str, experts: str, published: int, residue: float) -> None:
    if model == "SLM-pn":
        projection = paper_projection(int(experts))
        count = projected_parameter_count(SLM, projection)
        assert count == built_parameters(lambda: ProjectedTransformer(SLM, projection))
    elif model == "SLM-mix":
        count = mixture_parameter_count(SLM, int(experts))
        assert count == 16 * built_parameters(lambda: Transformer(SLM))
    else:
        size = LLM if model == "LLM" else SLM
        count = parameter_count(size)
        assert count == built_parameters(lambda: Transformer(size))
    assert published_millions(model, experts) == published
    assert published - count / 1e6 == pytest.approx(residue, abs=0.05)
    assert abs(published - count / 1e6) < 0.035 * published


def test_an_experts_growth_is_the_mlps_of_five_layers() -> None:
    growth = projected_parameter_count(SLM, paper_projection(33)) - projected_parameter_count(SLM, paper_projection(32))
    assert growth == 5 * 2 * 1024 * 4096 + (5 + 1) * (33**2 - 32**2)
    assert growth / 1e6 == pytest.approx((2770 - 756) / 48, rel=0.001)  # 41.96 million by the paper's own totals


@given(
    layers=st.integers(1, 4),
    heads=st.integers(1, 3),
    head_width=st.integers(1, 5),
    inner=st.integers(1, 30),
    projected=st.integers(1, 4),
    components=st.integers(2, 5),
    rank=st.integers(2, 5),
    experts=st.integers(1, 6),
)
def test_formulas_count_what_is_built(
    layers: int, heads: int, head_width: int, inner: int, projected: int, components: int, rank: int, experts: int
) -> None:
    size = ModelSize(vocabulary=11, context=7, layers=layers, width=heads * head_width, heads=heads, inner=inner)
    projection = ProjectionSize(experts, components, rank, min(projected, layers), "shared")
    assert parameter_count(size) == built_parameters(lambda: Transformer(size))
    built = built_parameters(lambda: ProjectedTransformer(size, projection))
    assert projected_parameter_count(size, projection) == built


def test_flops_by_hand() -> None:
    size = ModelSize(vocabulary=10, context=6, layers=2, width=4, heads=2, inner=8)
    # query, key, value, output: 4 * 16; up, down: 2 * 32; per layer: 128 products. Output matrix: 40 products.
    # Attention per layer: on average 3 positions seen, each 4 products for the score and 4 for the value.
    products = 2 * (128 + 3 * (4 + 4)) + 40
    assert forward_flops_per_token(size) == 2 * products
    assert training_flops_per_token(size) == 6 * products


def test_flops_are_those_that_the_operators_report() -> None:
    size = ModelSize(vocabulary=50, context=16, layers=2, width=8, heads=2, inner=32)
    with torch.device("meta"):
        model, tokens_BT = Transformer(size), torch.zeros(3, 16, dtype=torch.int64)
        with FlopCounterMode(display=False) as counter:
            model.logits(tokens_BT)
    per_token = counter.get_total_flops() / tokens_BT.numel()
    attention = size.layers * 2 * size.context * size.width
    # the counter knows no causal mask: it counts the whole square of scores, of which half is needed
    assert per_token == forward_flops_per_token(size) + attention


@pytest.mark.parametrize("present", ([2], [0, 3, 4]))
def test_flops_of_projections_are_those_that_the_operators_report(present: list[int]) -> None:
    size, projection = ModelSize(50, 16, 3, 8, 2, 32), ProjectionSize(5, 3, 4, 2, "shared")
    model = ProjectedTransformer(size, projection)
    with FlopCounterMode(display=False) as counter:
        coefficients = model.projection(torch.tensor(present))
        layers = [mlp for mlp in model.mlps if isinstance(mlp, ProjectedMLP)]
        matrices = [one for mlp, of_Ph in zip(layers, coefficients, strict=True) for one in mlp.matrices(of_Ph)]
        sum(one.sum() for one in matrices).backward()
    assert counter.get_total_flops() == len(present) * projection_flops(size, projection)


@given(layers=st.integers(1, 4), heads=st.integers(1, 3), inner=st.integers(1, 30), rank=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_flops_of_training_adapters_are_those_that_the_operators_report(
    layers: int, heads: int, inner: int, rank: int
) -> None:
    size = ModelSize(vocabulary=11, context=7, layers=layers, width=4 * heads, heads=heads, inner=inner)
    low_rank = LowRank(rank, alpha=2.0)
    base, tokens_BL = Transformer(size), torch.zeros(3, 8, dtype=torch.int64)
    initialize(base, torch.Generator().manual_seed(1))
    model = AdaptedTransformer(base, low_rank)
    initialize(model, torch.Generator().manual_seed(2))
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model.loss(tokens_BL).backward()
    attention = size.layers * 2 * size.context * size.width
    per_token = counter.get_total_flops() / (3 * size.context)
    assert per_token == training_flops_per_token(size, low_rank) + 3 * attention  # the unneeded half of its square


def test_adapters_of_the_papers_llm_take_two_thirds_of_a_full_trainings_flops() -> None:
    """In millions per token: matrices 756.2, attention 40.4, adapters 5.05; the first layer's inputs 23.8 and 0.36."""
    share = training_flops_per_token(LLM, LowRank(rank=64, alpha=64)) / training_flops_per_token(LLM)
    by_hand = (4 * 756.2 + 3 * 40.4 + 6 * 5.05 - 2 * (23.8 + 0.36)) / (6 * 756.2 + 3 * 40.4)
    assert share == pytest.approx(by_hand, abs=1e-4) == pytest.approx(0.671, abs=1e-3)


def test_a_rank_above_the_width_is_refused() -> None:
    for count in (adapter_parameter_count, training_flops_per_token):
        with pytest.raises(UserError, match="rank 1025 asked of matrices of width 1024\nRemedy: choose at most 1024"):
            count(SLM, LowRank(rank=1025, alpha=1))
    assert adapter_parameter_count(SLM, LowRank(rank=1024, alpha=1)) == 7 * 4 * 1024**2


@pytest.mark.parametrize("key", ["vocabulary", "context", "layers", "width", "heads", "inner"])
def test_sizes_must_be_positive(key: str) -> None:
    with pytest.raises(UserError, match=key):
        replace(SLM, **{key: 0})


def test_impossible_sizes_are_refused_with_a_remedy() -> None:
    with pytest.raises(UserError, match="choose heads that divide the width"):
        replace(SLM, heads=3)
    with pytest.raises(UserError, match="choose one of shared, random"):
        ProjectionSize(4, 4, 4, 2, "warm")
    with pytest.raises(UserError, match="rank is 0"):
        LowRank(rank=0, alpha=1)
    with pytest.raises(UserError, match="alpha is -1"):
        LowRank(rank=1, alpha=-1)
    with pytest.raises(UserError, match="components"):
        ProjectionSize(4, 1, 4, 2, "shared")
    with pytest.raises(UserError, match="projected_layers"):
        projected_parameter_count(SLM, ProjectionSize(4, 4, 4, 8, "shared"))
