from __future__ import annotations

import torch
from torch import Tensor

from speclm.model.mixture import budget_tokens, expert_parts
from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize
from speclm.model.transformer import Transformer, initialize


def test_parts_are_named_by_cluster() -> None:
    assert expert_parts(3) == ("expert0", "expert1", "expert2")


def test_a_budget_is_divided_by_relative_cost_and_experts() -> None:
    assert budget_tokens([800_000], 2.5, 1) == {800_000: 320_000}
    assert budget_tokens([800, 1600], 1.0, 8) == {800: 100, 1600: 200}


def test_the_mixture_is_a_projected_network_with_identities(
    size: ModelSize, generator: torch.Generator, tokens_BL: Tensor
) -> None:
    """h = m = k, E = M = identity: expert i's MLPs are component i, bit for bit; the rest is shared by construction."""
    experts = [Transformer(size) for _ in range(3)]
    for expert in experts:
        initialize(expert, generator)
    rest = {name: value for name, value in experts[0].state_dict().items() if not name.startswith("mlps.")}
    for expert in experts:
        expert.load_state_dict(rest, strict=False)
    projected = ProjectedTransformer(size, ProjectionSize(3, 3, 3, size.layers, "random"))
    state = {name: torch.eye(3) for name in projected.state_dict() if name.startswith("projection.")}
    for name in experts[0].state_dict().keys() - rest.keys():
        state[name] = torch.stack([expert.state_dict()[name] for expert in experts])
    projected.load_state_dict(rest | state)

    experts_B = torch.tensor([2, 0, 1, 1, 2, 0])
    nll_BT = projected.nll(tokens_BL, experts_B)
    for index, expert in enumerate(experts):
        instance = projected.instantiate(index)
        assert all(torch.equal(instance[name], value) for name, value in expert.state_dict().items())
        own_BT = expert.nll(tokens_BL[experts_B == index])
        torch.testing.assert_close(nll_BT[experts_B == index], own_BT, rtol=1e-12, atol=1e-13)
