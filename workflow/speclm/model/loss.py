"""Next-token losses of a linear output layer, without ever holding all logits.

Hidden states and the output matrix go in, a mean loss comes out. With a vocabulary of V the logits are V/D times
larger than the hidden states, and their softmax, written and read back several times, costs more than many layers.
So rows are taken in chunks whose logits stay in cache: logits, loss and both gradients of one chunk are done before
the next begins, already in the forward pass.

    cross entropy  -log p(y)                              gradient to the logits  p - 1_y
    distillation   (1-w)*(-log p(y)) + w*t^2*KL(q||p_t)   gradient to the logits  (1-w)*(p - 1_y) + w*t*(p_t - q)
with p the student's distribution, p_t and q the student's and the teacher's at temperature t. Means are over the
targets that are not IGNORED. The paper (SLM-d) gives neither weight, temperature nor direction of the divergence:
assumed.

Example: one token, logits (0, ln 3), target 1: p = (1/4, 3/4), loss = ln(4/3) = 0.288, gradient (1/4, -1/4).

Shapes: N rows (tokens), C rows of a chunk, D width, V vocabulary, E width of the teacher.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from speclm.model.chunks import row_chunks, to_autocast

IGNORED = -100

# Of the logits of one chunk, given with their rows: the loss of every row; leaves in the logits their gradient.
RowLoss = Callable[[Tensor, slice], Tensor]


def cross_entropy(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
    """Mean negative log likelihood (nats) of the targets; 0 when all are ignored. Differentiable once."""

    def row_loss(logits_CV: Tensor, rows: slice) -> Tensor:
        return _cross_entropy_rows(logits_CV, target_N[rows].clamp_min(0))

    return _mean_loss(hidden_ND, output_VD, target_N, row_loss)


def distillation(
    hidden_ND: Tensor,
    output_VD: Tensor,
    target_N: Tensor,
    teacher_hidden_NE: Tensor,
    teacher_output_VE: Tensor,
    weight: float,
    temperature: float,
) -> Tensor:
    """Mean of (1 - weight) * cross entropy + weight * temperature^2 * KL(teacher || student).

    Differentiable once, in the student's hidden states and output matrix.
    """

    def log_softmax(logits_CV: Tensor) -> Tensor:
        return torch.log_softmax(logits_CV if temperature == 1 else logits_CV / temperature, dim=1)

    def row_loss(logits_CV: Tensor, rows: slice) -> Tensor:
        teacher_CV = _wide(teacher_hidden_NE[rows] @ teacher_output_VE.T)
        log_q_CV = log_softmax(teacher_CV)
        log_p_CV = log_softmax(logits_CV)
        q_CV = torch.exp(log_q_CV, out=teacher_CV)  # in the place of what is done with: the chunk stays in cache
        divergence_C = log_q_CV.sub_(log_p_CV).mul_(q_CV).sum(dim=1)
        label_loss_C = _cross_entropy_rows(logits_CV, target_N[rows].clamp_min(0))
        logits_CV.mul_(1 - weight).add_(log_p_CV.exp_().sub_(q_CV), alpha=weight * temperature)
        return (1 - weight) * label_loss_C + weight * temperature**2 * divergence_C

    return _mean_loss(hidden_ND, output_VD, target_N, row_loss)


@torch.no_grad()
def token_nll(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
    """Negative log likelihood (nats, at least float32) of every target, (N,); 0 where it is ignored. No gradient."""
    hidden_ND, output_VD = to_autocast(hidden_ND, output_VD)
    chunks, nll = _chunks(hidden_ND, output_VD), []
    scratch_CV = hidden_ND.new_empty(chunks[0].stop, len(output_VD))  # one for all chunks: it stays in cache
    for rows in chunks:
        hidden_CD = hidden_ND[rows]
        logits_CV = _wide(torch.mm(hidden_CD, output_VD.T, out=scratch_CV[: len(hidden_CD)]))
        torch.log_softmax(logits_CV, dim=1, out=logits_CV)
        nll.append(-logits_CV.gather(1, target_N[rows].clamp_min(0)[:, None])[:, 0])
    return torch.cat(nll) * (target_N != IGNORED)


def _cross_entropy_rows(logits_CV: Tensor, target_C: Tensor) -> Tensor:
    """Leaves softmax - one_hot in the logits. The loss is told from the likeliest token's probability, which is at
    least 1 / V, as that of the target may be too small for a float."""
    target_C1 = target_C[:, None]
    chosen_C1, top_C1 = logits_CV.gather(1, target_C1), logits_CV.amax(dim=1, keepdim=True)
    p_CV = torch.softmax(logits_CV, dim=1, out=logits_CV)
    loss_C1 = top_C1 - p_CV.amax(dim=1, keepdim=True).log() - chosen_C1
    p_CV.scatter_(1, target_C1, p_CV.gather(1, target_C1) - 1)
    return loss_C1[:, 0]


def _mean_loss(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor, row_loss: RowLoss) -> Tensor:
    kept_N = target_N != IGNORED
    share_N = kept_N / kept_N.sum().clamp_min(1)
    arguments = (*to_autocast(hidden_ND, output_VD), share_N, row_loss)
    loss: Tensor = _ChunkedLoss.apply(*arguments)  # type: ignore[no-untyped-call]
    return loss


class _ChunkedLoss(torch.autograd.Function):
    """Sum over rows of share * row_loss(hidden @ output.T), with the gradients computed beside it."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, output_VD: Tensor, share_N: Tensor, row_loss: RowLoss) -> Tensor:
        dtype, wide = hidden_ND.dtype, torch.promote_types(hidden_ND.dtype, torch.float32)
        loss = hidden_ND.new_zeros((), dtype=wide)
        grad_hidden_ND = torch.empty_like(hidden_ND)
        learnt = ctx.needs_input_grad[1]  # not under low-rank adaptation
        shape_DV = output_VD.T.shape if learnt else (0, 0)  # this way round the product is faster
        grad_output_DV = hidden_ND.new_zeros(shape_DV, dtype=wide)
        with torch.autocast(hidden_ND.device.type, enabled=False):
            chunks = _chunks(hidden_ND, output_VD)
            scratch_CV = hidden_ND.new_empty(
                chunks[0].stop, len(output_VD)
            )  # fresh memory costs as much as the product
            for rows in chunks:
                hidden_CD = hidden_ND[rows]
                logits_CV = _wide(torch.mm(hidden_CD, output_VD.T, out=scratch_CV[: len(hidden_CD)]))
                loss += row_loss(logits_CV, rows) @ share_N[rows].to(wide)
                # rows of width D are scaled, not of width V; an ignored row has no share and so no gradient
                scale_C1 = share_N[rows][:, None].to(dtype)
                grad_CV = logits_CV.to(dtype)
                torch.mm(grad_CV, output_VD, out=grad_hidden_ND[rows]).mul_(scale_C1)
                if learnt:
                    _add_product(grad_output_DV, (hidden_CD * scale_C1).T, grad_CV)
        ctx.save_for_backward(grad_hidden_ND, grad_output_DV.T.to(output_VD.dtype))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden_ND, grad_output_VD = (tensor * grad.to(tensor.dtype) for tensor in ctx.saved_tensors)
        return grad_hidden_ND, grad_output_VD.contiguous(), None, None


def _add_product(sum_DV: Tensor, left_DC: Tensor, right_CV: Tensor) -> None:
    """sum += left @ right, where the sum may be of a wider type."""
    if sum_DV.dtype == left_DC.dtype:
        sum_DV.addmm_(left_DC, right_CV)
    else:
        sum_DV += left_DC @ right_CV


def _chunks(hidden_ND: Tensor, output_VD: Tensor) -> list[slice]:
    return row_chunks(slice(0, len(hidden_ND)), len(output_VD), hidden_ND.device)


def _wide(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
