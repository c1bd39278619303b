"""The projected network (SLM-pn): k small transformers whose MLP matrices are linear projections of shared tensors.

Windows with the number of their cluster go in, the loss of every cluster's own expert comes out; afterwards any
expert is taken out as a plain `Transformer`. Paper, section "Projected network": every MLP matrix of expert i in
layer l is

    W^(l,i)[a, b] = sum over q = 1..m, r = 1..h of  E[i, q] * M^l[q, r] * T^l[a, b, r]

with one E for all layers, and T holding nearly all parameters. Attention, embeddings and norms are shared. Two
matrices of one layer share M^l. In a step the matrices of the experts present are evaluated once, as one product (E
M) T; windows are sorted by expert, so that an expert's tokens are consecutive rows.

Start "shared": coefficient 1 for T_1, which is drawn as the MLP of a plain transformer, random ones for T_2..T_h,
which are zero: all experts begin as the very network that `initialize` gives a plain transformer of that generator,
and part as soon as the residual tensors get their gradients, sum over i of (E M)[i, r] * dW^i. Start "random": all
drawn, W with the usual spread.

Example: experts=8, components=4, rank=4: expert i's matrices are c_1 T_1 + .. + c_4 T_4 with c = E[i] M, 4 numbers
per layer.

Shapes: B windows, T context, L = T + 1, D width, I inner width, k experts, P experts present, h components, m rank.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from speclm.model.grouped import grouped_mlp
from speclm.model.loss import cross_entropy, token_nll
from speclm.model.size import ModelSize, ProjectionSize, require_layers
from speclm.model.transformer import MLP, Decoder


class ProjectedTransformer(Decoder):
    """k experts that share all but the MLPs of the last `projected_layers` layers.

    Allocated, not initialised: call `initialize` or `load_state_dict`. Parameters have the names of a plain
    transformer's, projected `up` and `down` the h components as first dimension; E and M stand under `projection.`.
    """

    def __init__(self, size: ModelSize, projection: ProjectionSize) -> None:
        require_layers(size, projection)
        super().__init__(size)
        self.start = projection.start
        shared = size.layers - projection.projected_layers
        self.mlps = nn.ModuleList(
            MLP(size) if layer < shared else ProjectedMLP(size, projection.components, layer)
            for layer in range(size.layers)
        )
        self.projection = Coefficients(projection)

    def loss(self, tokens_BL: Tensor, experts_B: Tensor) -> Tensor:
        """Mean negative log likelihood (nats) of the targets, window b read by expert experts_B[b]."""
        order_B, present_P, windows = _group(experts_B)
        tokens_BL = tokens_BL[order_B.to(tokens_BL.device)]
        hidden_BTD = self._hidden(tokens_BL[:, :-1], present_P, windows)
        return cross_entropy(hidden_BTD.flatten(0, 1), self.embedding, tokens_BL[:, 1:].flatten())

    @torch.no_grad()
    def nll(self, tokens_BL: Tensor, experts_B: Tensor) -> Tensor:
        """Negative log likelihood (nats) of every target, (B, T), in the order given; 0 where it is ignored."""
        order_B, present_P, windows = _group(experts_B)
        sorted_BL = tokens_BL[order_B.to(tokens_BL.device)]
        hidden_BTD = self._hidden(sorted_BL[:, :-1], present_P, windows)
        target_BT = sorted_BL[:, 1:]
        nll_BT = token_nll(hidden_BTD.flatten(0, 1), self.embedding, target_BT.flatten()).view(target_BT.shape)
        return nll_BT[order_B.argsort().to(nll_BT.device)]

    @torch.no_grad()
    def instantiate(self, expert: int) -> dict[str, Tensor]:
        """State dict of the plain `Transformer` that this expert is, in closed form. IndexError: no such expert."""
        state = {name: value.clone() for name, value in self.state_dict().items() if not name.startswith("projection.")}
        coefficients = self.projection(torch.tensor([range(len(self.projection.experts))[expert]]))
        for mlp, coefficients_1h in zip(self._projected(), coefficients, strict=True):
            up_1ID, down_1DI = mlp.matrices(coefficients_1h)
            state[f"mlps.{mlp.layer}.up"], state[f"mlps.{mlp.layer}.down"] = up_1ID[0], down_1DI[0]
        return state

    def initial_value(self, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
        is_coefficient = name.startswith("projection.")
        if len(shape) < 3 and not is_coefficient:
            return super().initial_value(name, shape, generator)
        if self.start == "random":
            if is_coefficient:  # E: 1 / m, M: 1 / h: so the h coefficients of an expert have together the norm 1
                return _normal(shape, shape[1] ** -0.5, generator)
            return super().initial_value(name, shape, generator)
        value = torch.zeros(shape)
        if not is_coefficient:
            value[0] = super().initial_value(name, shape[1:], generator)
            return value
        # first component: 1 for every expert; the others: together the norm 1, from the other entries of E and M alone
        value[:, 1:] = _normal(value[:, 1:].shape, (shape[1] - 1) ** -0.5, generator)
        if name == "projection.experts":
            value[:, 0] = 1.0
        else:
            value[0] = 0.0
            value[0, 0] = 1.0
        return value

    def _hidden(self, tokens_BT: Tensor, present_P: Tensor, windows: list[int]) -> Tensor:
        """Hidden states of windows sorted by expert, windows[p] of them for the expert present_P[p]."""
        rows_P = [count * tokens_BT.shape[1] for count in windows]
        mlps: list[Callable[[Tensor], Tensor]] = list(self.mlps)
        for mlp, coefficients_Ph in zip(self._projected(), self.projection(present_P), strict=True):
            up_PID, down_PDI = mlp.matrices(coefficients_Ph)
            mlps[mlp.layer] = partial(mlp.route, up_PID=up_PID, down_PDI=down_PDI, rows_P=rows_P)
        return self.decode(tokens_BT, mlps)

    def _projected(self) -> list[ProjectedMLP]:
        return [mlp for mlp in self.mlps if isinstance(mlp, ProjectedMLP)]


class Coefficients(nn.Module):
    """E M^l: how much of each component an expert takes in each projected layer."""

    def __init__(self, projection: ProjectionSize) -> None:
        super().__init__()
        self.experts = nn.Parameter(torch.empty(projection.experts, projection.rank))
        self.mixing = nn.ParameterList(
            torch.empty(projection.rank, projection.components) for _ in range(projection.projected_layers)
        )

    def forward(self, present_P: Tensor) -> list[Tensor]:
        experts_Pm = self.experts[present_P.to(self.experts.device)]
        return [experts_Pm @ mixing_mh for mixing_mh in self.mixing]  # each (P, h)


class ProjectedMLP(nn.Module):
    """The components T of a layer's two MLP matrices."""

    def __init__(self, size: ModelSize, components: int, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.up = nn.Parameter(torch.empty(components, size.inner, size.width))
        self.down = nn.Parameter(torch.empty(components, size.width, size.inner))

    def matrices(self, coefficients_Ph: Tensor) -> tuple[Tensor, Tensor]:
        """Matrices (P, I, D) and (P, D, I) of the experts with these coefficients."""
        up_PID, down_PDI = (
            (coefficients_Ph @ components.flatten(1)).view(-1, *components.shape[1:])
            for components in (self.up, self.down)
        )
        return up_PID, down_PDI

    def route(self, x_BTD: Tensor, up_PID: Tensor, down_PDI: Tensor, rows_P: list[int]) -> Tensor:
        """The MLPs with these matrices, each on its rows of x."""
        return grouped_mlp(x_BTD.flatten(0, 1), up_PID, down_PDI, rows_P).view(x_BTD.shape)


def _group(experts_B: Tensor) -> tuple[Tensor, Tensor, list[int]]:
    """Order that sorts windows by expert, the experts present, and how many windows each has."""
    sorted_B, order_B = experts_B.sort(stable=True)
    present_P, windows_P = torch.unique_consecutive(sorted_B, return_counts=True)
    return order_B, present_P, windows_P.tolist()


def _normal(shape: torch.Size, std: float, generator: torch.Generator) -> Tensor:
    return torch.empty(shape).normal_(std=std, generator=generator)
