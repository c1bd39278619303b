"""The MLPs of several experts over rows that are grouped by expert.

Rows, the two matrices of every expert present and the rows of each go in, y = down @ gelu(up @ x) of each row's own
expert comes out. Written with its own gradient, because every expert's product then writes straight into its rows
of one tensor, and its gradient into its part of one tensor: composed of library calls, each of them would be copied
once more.

Example: rows 0..2 belong to expert 0 and row 3 to expert 1: groups = [slice(0, 3), slice(3, 4)].

Shapes: N rows (tokens), P experts present, D width, I inner width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from speclm.model.chunks import to_autocast


def grouped_mlp(x_ND: Tensor, up_PID: Tensor, down_PDI: Tensor, groups: Sequence[slice]) -> Tensor:
    """(N, D): rows groups[p] go through expert p. The groups cover all rows. Differentiable once."""
    arguments = (*to_autocast(x_ND, up_PID, down_PDI), groups)
    y_ND: Tensor = _GroupedMLP.apply(*arguments)  # type: ignore[no-untyped-call]
    return y_ND


class _GroupedMLP(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, up_PID: Tensor, down_PDI: Tensor, groups: Sequence[slice]) -> Tensor:
        before_NI = x_ND.new_empty(len(x_ND), up_PID.shape[1])
        y_ND = torch.empty_like(x_ND)
        with torch.autocast(x_ND.device.type, enabled=False):
            for rows, up_ID in zip(groups, up_PID, strict=True):
                torch.mm(x_ND[rows], up_ID.T, out=before_NI[rows])
            after_NI = F.gelu(before_NI)
            for rows, down_DI in zip(groups, down_PDI, strict=True):
                torch.mm(after_NI[rows], down_DI.T, out=y_ND[rows])
        ctx.save_for_backward(x_ND, up_PID, down_PDI, before_NI, after_NI)
        ctx.groups = groups
        return y_ND

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y_ND: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x_ND, up_PID, down_PDI, before_NI, after_NI = ctx.saved_tensors
        grad_x_ND, grad_NI = torch.empty_like(x_ND), torch.empty_like(before_NI)
        grad_up_PID, grad_down_PDI = torch.empty_like(up_PID), torch.empty_like(down_PDI)
        with torch.autocast(x_ND.device.type, enabled=False):
            for expert, rows in enumerate(ctx.groups):
                torch.mm(grad_y_ND[rows].T, after_NI[rows], out=grad_down_PDI[expert])
                torch.mm(grad_y_ND[rows], down_PDI[expert], out=grad_NI[rows])
            torch.ops.aten.gelu_backward.grad_input(grad_NI, before_NI, grad_input=grad_NI)
            for expert, rows in enumerate(ctx.groups):
                torch.mm(grad_NI[rows].T, x_ND[rows], out=grad_up_PID[expert])
                torch.mm(grad_NI[rows], up_PID[expert], out=grad_x_ND[rows])
        return grad_x_ND, grad_up_PID, grad_down_PDI, None
