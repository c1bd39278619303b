from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize
from speclm.model.transformer import Transformer, initialize
from speclm.stage.errors import UserError

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
EXPERTS_B = torch.tensor([3, 0, 3, 4, 0, 3])  # unsorted, repeated, 1 and 2 absent


@pytest.fixture
def model(size: ModelSize, projection: ProjectionSize, generator: torch.Generator) -> ProjectedTransformer:
    model = ProjectedTransformer(size, projection)
    initialize(model, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def plain(model: ProjectedTransformer, expert: int) -> Transformer:
    transformer = Transformer(model.size)
    transformer.load_state_dict(model.instantiate(expert))
    return transformer


def naive_matrix(model: ProjectedTransformer, layer: int, projected: int, name: str, expert: int) -> Tensor:
    """The paper's double sum, written out."""
    parameters = dict(model.named_parameters())
    E, M = parameters["projection.experts"], parameters[f"projection.mixing.{projected}"]
    T = parameters[f"mlps.{layer}.{name}"]
    terms = [E[expert, q] * M[q, r] * T[r] for q in range(M.shape[0]) for r in range(M.shape[1])]
    return torch.stack(terms).sum(0)


def naive_loss(model: ProjectedTransformer, tokens_BL: Tensor) -> Tensor:
    """Window by window: the expert's matrices evaluated anew, then the plain transformer."""
    losses = []
    for window, expert in enumerate(EXPERTS_B.tolist()):
        own = {name: value for name, value in model.named_parameters() if not name.startswith("projection.")}
        for projected, layer in enumerate((1, 2)):
            for name in ("up", "down"):
                own[f"mlps.{layer}.{name}"] = naive_matrix(model, layer, projected, name, expert)
        transformer = Transformer(model.size)
        hidden = torch.func.functional_call(
            _Hidden(transformer), {f"model.{n}": v for n, v in own.items()}, tokens_BL[window : window + 1, :-1]
        )
        logits = hidden[0] @ own["embedding"].T
        losses.append(torch.nn.functional.cross_entropy(logits, tokens_BL[window, 1:]))
    return torch.stack(losses).mean()


class _Hidden(torch.nn.Module):
    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens_BT: Tensor) -> Tensor:
        return self.model.hidden(tokens_BT)


@pytest.mark.parametrize("start", ["random", "shared"])
def test_loss_and_every_gradient_equal_the_window_by_window_evaluation(
    size: ModelSize, projection: ProjectionSize, generator: torch.Generator, tokens_BL: Tensor, start: str
) -> None:
    model = ProjectedTransformer(size, replace(projection, start=start))
    initialize(model, generator)
    ours, naive = model.loss(tokens_BL, EXPERTS_B), naive_loss(model, tokens_BL)
    assert ours.item() == pytest.approx(naive.item(), rel=1e-12)
    names, parameters = zip(*model.named_parameters(), strict=True)
    gradients = zip(torch.autograd.grad(ours, parameters), torch.autograd.grad(naive, parameters), strict=True)
    for name, (our, expected) in zip(names, gradients, strict=True):
        torch.testing.assert_close(our, expected, rtol=1e-9, atol=1e-14, msg=lambda text, name=name: f"{name}: {text}")


def test_an_instance_computes_what_the_network_computes_for_its_expert(
    model: ProjectedTransformer, tokens_BL: Tensor
) -> None:
    nll_BT = model.nll(tokens_BL, EXPERTS_B)
    for window, expert in enumerate(EXPERTS_B.tolist()):
        own_nll_1T = plain(model, expert).nll(tokens_BL[window : window + 1])
        torch.testing.assert_close(nll_BT[window : window + 1], own_nll_1T, rtol=1e-11, atol=1e-12)
    assert nll_BT.mean().item() == pytest.approx(model.loss(tokens_BL, EXPERTS_B).item(), rel=1e-12)


def test_instances_in_float32_agree_to_rounding(
    size: ModelSize, projection: ProjectionSize, generator: torch.Generator, tokens_BL: Tensor
) -> None:
    model = ProjectedTransformer(size, projection).float()
    initialize(model, generator)
    experts_B = torch.full((6,), 2, dtype=torch.int32)
    instance = plain(model, 2).float()
    torch.testing.assert_close(model.nll(tokens_BL, experts_B), instance.nll(tokens_BL), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
def test_bfloat16_autocast_gives_nearly_the_loss_and_gradients_of_float64(
    model: ProjectedTransformer, tokens_BL: Tensor, device: str
) -> None:
    exact = torch.autograd.grad(model.loss(tokens_BL, EXPERTS_B), list(model.parameters()))
    model = model.float().to(device)
    with torch.autocast(device, dtype=torch.bfloat16):
        loss = model.loss(tokens_BL.to(device), EXPERTS_B)
    for our, expected in zip(torch.autograd.grad(loss, list(model.parameters())), exact, strict=True):
        assert our.dtype == torch.float32
        assert (our.cpu() - expected).norm() < 0.1 * expected.norm()


def test_shared_start_is_the_plain_transformer_of_the_same_generator(
    size: ModelSize, projection: ProjectionSize
) -> None:
    model = ProjectedTransformer(size, replace(projection, start="shared"))
    slm = Transformer(size)
    initialize(model, torch.Generator().manual_seed(5))
    initialize(slm, torch.Generator().manual_seed(5))
    for expert in range(projection.experts):
        instance = model.instantiate(expert)
        assert instance.keys() == slm.state_dict().keys()
        assert all(torch.equal(instance[name], tensor) for name, tensor in slm.state_dict().items())


def test_shared_start_parts_with_the_first_step(
    size: ModelSize, projection: ProjectionSize, generator: torch.Generator, tokens_BL: Tensor
) -> None:
    model = ProjectedTransformer(size, replace(projection, start="shared"))
    initialize(model, generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    model.loss(tokens_BL, EXPERTS_B).backward()
    residual = dict(model.named_parameters())["mlps.2.up"].grad
    assert residual is not None
    assert residual[1:].abs().amax((1, 2)).min() > 0
    optimizer.step()
    optimizer.zero_grad()
    assert not torch.allclose(model.instantiate(0)["mlps.2.up"], model.instantiate(3)["mlps.2.up"], atol=1e-3)
    model.loss(tokens_BL, EXPERTS_B).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_random_start_gives_matrices_of_the_usual_spread(generator: torch.Generator) -> None:
    size = ModelSize(vocabulary=16, context=8, layers=1, width=32, heads=1, inner=128)
    model = ProjectedTransformer(size, ProjectionSize(64, 24, 24, 1, "random"))
    initialize(model, generator)
    spread = torch.stack([model.instantiate(expert)["mlps.0.up"] for expert in range(64)]).std().item()
    assert spread == pytest.approx(0.02 * (1024 / 32) ** 0.5, rel=0.15)


def test_too_many_projected_layers_or_no_such_expert(model: ProjectedTransformer, projection: ProjectionSize) -> None:
    with pytest.raises(UserError, match="projected_layers"):
        ProjectedTransformer(model.size, replace(projection, projected_layers=4))
    with pytest.raises(IndexError):
        model.instantiate(5)
