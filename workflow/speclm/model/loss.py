"""Next-token losses of a linear output layer, without ever holding all logits.

Hidden states and the output matrix go in, a mean loss comes out. The logits of a model with vocabulary V are V/D times larger than its
hidden states, and their softmax, written and read back several times, costs more than many layers. So rows are taken in chunks whose logits
stay in the processor's cache: logits, softmax and both gradients are done with one chunk before the next begins, already in the forward pass.

    cross entropy  -log p(y)                              gradient to the logits  p - 1_y
    distillation   (1-w)*(-log p(y)) + w*t^2*KL(q||p_t)   gradient to the logits  (1-w)*(p - 1_y) + w*t*(p_t - q)
with p the student's distribution, p_t and q the student's and the teacher's at temperature t. Means are over the targets that are not IGNORED.

Example: two tokens, logits (0, ln 3), target 1: p = (1/4, 3/4), loss = ln(4/3) = 0.288, gradient (1/4, -1/4).

Shapes: N rows (tokens), C rows of a chunk, D width, V vocabulary, E width of the teacher.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

IGNORED = -100

# Turns the logits of one chunk into their gradient in place and returns the rows' losses.
RowLoss = Callable[[Tensor, slice], Tensor]


def cross_entropy(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
    """Mean negative log likelihood (nats) of the targets; 0 when all are ignored. Differentiable once, in hidden and output."""

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
    """Mean of (1 - weight) * cross entropy + weight * temperature^2 * KL(teacher || student); no gradient to the teacher."""

    def row_loss(logits_CV: Tensor, rows: slice) -> Tensor:
        teacher_CV = _wide(teacher_hidden_NE[rows] @ teacher_output_VE.T)
        log_q_CV = torch.log_softmax(teacher_CV / temperature, dim=1)
        log_p_CV = torch.log_softmax(logits_CV / temperature, dim=1)
        q_CV = log_q_CV.exp()
        divergence_C = (q_CV * (log_q_CV - log_p_CV)).sum(dim=1)
        loss_C = _cross_entropy_rows(logits_CV, target_N[rows].clamp_min(0))
        logits_CV.mul_(1 - weight).add_(log_p_CV.exp_().sub_(q_CV), alpha=weight * temperature)
        return (1 - weight) * loss_C + weight * temperature**2 * divergence_C

    return _mean_loss(hidden_ND, output_VD, target_N, row_loss)


@torch.no_grad()
def token_nll(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
    """Negative log likelihood (nats, at least float32) of every target, (N,); 0 where the target is ignored. No gradient."""
    nll = []
    for rows in _chunks(hidden_ND, output_VD):
        logits_CV = _wide(hidden_ND[rows] @ output_VD.T)
        target_C1 = target_N[rows].clamp_min(0)[:, None]
        nll.append(logits_CV.logsumexp(dim=1) - logits_CV.gather(1, target_C1)[:, 0])
    return torch.cat(nll) * (target_N != IGNORED)


def _cross_entropy_rows(logits_CV: Tensor, target_C: Tensor) -> Tensor:
    """Losses of the rows; leaves softmax minus one-hot in the logits."""
    target_C1 = target_C[:, None]
    chosen_C1 = logits_CV.gather(1, target_C1)
    top_C1 = logits_CV.amax(dim=1, keepdim=True)
    torch.softmax(logits_CV, dim=1, out=logits_CV)
    # the largest probability is 1 / sum(exp(logit - top)), so that the loss stays exact where p(y) underflows
    loss_C1 = top_C1 - chosen_C1 - logits_CV.amax(dim=1, keepdim=True).log()
    logits_CV.scatter_add_(1, target_C1, logits_CV.new_full((1, 1), -1.0).expand_as(target_C1))
    return loss_C1[:, 0]


def _mean_loss(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor, row_loss: RowLoss) -> Tensor:
    device = hidden_ND.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        hidden_ND, output_VD = hidden_ND.to(dtype), output_VD.to(dtype)
    kept_N = target_N != IGNORED
    share_N = kept_N / kept_N.sum().clamp_min(1)
    loss: Tensor = _ChunkedLoss.apply(hidden_ND, output_VD, share_N, row_loss)
    return loss


class _ChunkedLoss(torch.autograd.Function):
    """sum over rows of share * row_loss(hidden @ output.T), with the gradients computed beside it."""

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, output_VD: Tensor, share_N: Tensor, row_loss: RowLoss) -> Tensor:
        wide = torch.promote_types(hidden_ND.dtype, torch.float32)
        share_N = share_N.to(wide)
        loss = torch.zeros((), dtype=wide, device=hidden_ND.device)
        grad_hidden_ND = torch.empty_like(hidden_ND)
        grad_output_VD = torch.zeros_like(output_VD, dtype=wide)
        with torch.autocast(hidden_ND.device.type, enabled=False):
            for rows in _chunks(hidden_ND, output_VD):
                hidden_CD, share_C = hidden_ND[rows], share_N[rows]
                logits_CV = _wide(hidden_CD @ output_VD.T)
                loss += row_loss(logits_CV, rows) @ share_C
                grad_CV = logits_CV.to(hidden_ND.dtype)
                # shares scale rows of width D: an ignored row gives nothing, and the logits are not passed over again
                share_C1 = share_C.to(hidden_ND.dtype)[:, None]
                grad_hidden_ND[rows] = (grad_CV @ output_VD).mul_(share_C1)
                if wide == hidden_ND.dtype:
                    grad_output_VD.addmm_(grad_CV.T, hidden_CD * share_C1)
                else:
                    grad_output_VD += grad_CV.T @ (hidden_CD * share_C1)
        ctx.save_for_backward(grad_hidden_ND, grad_output_VD.to(output_VD.dtype))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden_ND, grad_output_VD = ctx.saved_tensors
        return grad_hidden_ND * grad.to(grad_hidden_ND.dtype), grad_output_VD * grad.to(grad_output_VD.dtype), None, None


def _chunks(hidden_ND: Tensor, output_VD: Tensor) -> list[slice]:
    """Rows such that a chunk's float32 logits take 1 MiB on a CPU (half of a common second-level cache), 256 MiB elsewhere."""
    logits = 2**18 if hidden_ND.device.type == "cpu" else 2**26
    rows = max(16, logits // len(output_VD))
    return [slice(start, start + rows) for start in range(0, len(hidden_ND), rows)]


def _wide(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
