"""The MLP of a layer, for one or several experts at once.

Rows grouped by expert and every expert's two matrices go in, y = down @ gelu(up @ x) of each row's own expert comes out. It is one function with its
own gradient, because between its two products stands a tensor four times as wide as the residual stream: taken in chunks of rows it stays
in cache. Backward the activation is computed again, which is cheaper than to store and fetch it.

Example: a plain transformer has one group: grouped_mlp(x_ND, up[None], down[None], [slice(0, N)]).

Shapes: N rows (tokens), P experts present, D width, I inner width, C rows of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from speclm.model.chunks import row_chunks, to_autocast

aten = torch.ops.aten


def grouped_mlp(x_ND: Tensor, up_PID: Tensor, down_PDI: Tensor, groups: Sequence[slice]) -> Tensor:
    """(N, D): the rows groups[p] go through expert p. The groups cover all rows. Differentiable once."""
    y_ND: Tensor = _GroupedMLP.apply(*to_autocast(x_ND, up_PID, down_PDI), groups)  # type: ignore[no-untyped-call]
    return y_ND


class _GroupedMLP(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, up_PID: Tensor, down_PDI: Tensor, groups: Sequence[slice]) -> Tensor:
        before_NI = x_ND.new_empty(len(x_ND), up_PID.shape[1])
        y_ND = torch.empty_like(x_ND)
        with torch.autocast(x_ND.device.type, enabled=False):
            for expert, rows, (after_CI,) in _chunks(groups, before_NI, buffers=1):
                before_CI = torch.mm(x_ND[rows], up_PID[expert].T, out=before_NI[rows])
                aten.gelu.out(before_CI, out=after_CI)
                torch.mm(after_CI, down_PDI[expert].T, out=y_ND[rows])
        ctx.save_for_backward(x_ND, up_PID, down_PDI, before_NI)
        ctx.groups = groups
        return y_ND

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y_ND: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x_ND, up_PID, down_PDI, before_NI = ctx.saved_tensors
        grad_x_ND = torch.empty_like(x_ND)
        grad_up_PID, grad_down_PDI = torch.zeros_like(up_PID), torch.zeros_like(down_PDI)
        with torch.autocast(x_ND.device.type, enabled=False):
            for expert, rows, (after_CI, grad_CI) in _chunks(ctx.groups, before_NI, buffers=2):
                grad_y_CD, before_CI = grad_y_ND[rows], before_NI[rows]
                aten.gelu.out(before_CI, out=after_CI)
                grad_down_PDI[expert].addmm_(grad_y_CD.T, after_CI)
                torch.mm(grad_y_CD, down_PDI[expert], out=after_CI)
                aten.gelu_backward.grad_input(after_CI, before_CI, grad_input=grad_CI)
                grad_up_PID[expert].addmm_(grad_CI.T, x_ND[rows])
                torch.mm(grad_CI, up_PID[expert], out=grad_x_ND[rows])
        return grad_x_ND, grad_up_PID, grad_down_PDI, None


def _chunks(
    groups: Sequence[slice], wide_NI: Tensor, buffers: int
) -> Iterator[tuple[int, slice, tuple[Tensor, ...]]]:
    """Expert, rows, and scratch of (rows, I) that every chunk writes anew: fresh memory would cost more than the product."""
    alive = (buffers + 1) * wide_NI.shape[1]
    chunks = [(expert, rows) for expert, group in enumerate(groups) for rows in row_chunks(group, alive, wide_NI.device)]
    longest = max(rows.stop - rows.start for _, rows in chunks)
    scratch = wide_NI.new_empty(buffers, longest, wide_NI.shape[1])
    for expert, rows in chunks:
        yield expert, rows, scratch[:, : rows.stop - rows.start].unbind()
