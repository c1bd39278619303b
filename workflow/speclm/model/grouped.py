"""The MLPs of several experts over rows that are grouped by expert.

Rows, the two matrices of every expert present and the rows of each go in, y = down @ gelu(up @ x) of each row's own
expert comes out. Written with its own gradient, because every expert's product then writes straight into its rows
of one tensor, and its gradient into its part of one tensor: composed of library calls, each of them would be copied
once more.

Example: rows 0..2 belong to expert 0 and row 3 to expert 1: rows_P = [3, 1].

Shapes: N rows (tokens), P experts present, D width, I inner width.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from speclm.model.chunks import to_autocast


def grouped_mlp(x_ND: Tensor, up_PID: Tensor, down_PDI: Tensor, rows_P: list[int]) -> Tensor:
    """(N, D): the first rows_P[0] rows go through expert 0, the next through expert 1, and so on.

    Differentiable once.
    """
    arguments = (*to_autocast(x_ND, up_PID, down_PDI), rows_P)
    y_ND: Tensor = _GroupedMLP.apply(*arguments)  # type: ignore[no-untyped-call]
    return y_ND


class _GroupedMLP(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, up_PID: Tensor, down_PDI: Tensor, rows_P: list[int]) -> Tensor:
        before_NI = x_ND.new_empty(len(x_ND), up_PID.shape[1])
        y_ND = torch.empty_like(x_ND)
        with torch.autocast(x_ND.device.type, enabled=False):
            _products(torch.split(x_ND, rows_P), up_PID.mT, torch.split(before_NI, rows_P))
            after_NI = F.gelu(before_NI)
            _products(torch.split(after_NI, rows_P), down_PDI.mT, torch.split(y_ND, rows_P))
        ctx.save_for_backward(x_ND, up_PID, down_PDI, before_NI, after_NI)
        ctx.rows_P = rows_P
        return y_ND

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y_ND: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x_ND, up_PID, down_PDI, before_NI, after_NI = ctx.saved_tensors
        grad_x_ND, grad_NI = torch.empty_like(x_ND), torch.empty_like(before_NI)
        grad_up_PID, grad_down_PDI = torch.empty_like(up_PID), torch.empty_like(down_PDI)
        x, after, grad_y, grad = (torch.split(tensor, ctx.rows_P) for tensor in (x_ND, after_NI, grad_y_ND, grad_NI))
        with torch.autocast(x_ND.device.type, enabled=False):
            _products([rows.T for rows in grad_y], after, grad_down_PDI)
            _products(grad_y, down_PDI, grad)
            torch.ops.aten.gelu_backward.grad_input(grad_NI, before_NI, grad_input=grad_NI)
            _products([rows.T for rows in grad], x, grad_up_PID)
            _products(grad, up_PID, torch.split(grad_x_ND, ctx.rows_P))
        return grad_x_ND, grad_up_PID, grad_down_PDI, None


def _products(left_P: Iterable[Tensor], right_P: Iterable[Tensor], out_P: Iterable[Tensor]) -> None:
    """out = left @ right, expert by expert. Views are made for all experts at once: one by one they cost as much as
    small products do."""
    for left, right, out in zip(left_P, right_P, out_P, strict=True):
        torch.mm(left, right, out=out)
