from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from speclm.model import chunks
from speclm.model.loss import IGNORED, cross_entropy, distillation, token_nll

ROWS, WIDTH, VOCABULARY, TEACHER_WIDTH = 200, 6, 30, 9
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


@pytest.fixture(autouse=True)
def several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CPU_FLOATS", chunks.FEWEST_ROWS * VOCABULARY)  # 200 rows: 64 + 64 + 64 + 8


@pytest.fixture
def student(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    hidden_ND = torch.randn(ROWS, WIDTH, generator=generator, requires_grad=True)
    output_VD = torch.randn(VOCABULARY, WIDTH, generator=generator, requires_grad=True)
    target_N = torch.randint(VOCABULARY, (ROWS,), generator=generator)
    target_N[::7] = IGNORED
    return hidden_ND, output_VD, target_N


@pytest.fixture
def teacher(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    hidden_NE = torch.randn(ROWS, TEACHER_WIDTH, generator=generator)
    return hidden_NE, torch.randn(VOCABULARY, TEACHER_WIDTH, generator=generator)


def same_loss_and_gradients(ours: Loss, naive: Loss, student: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden_ND, output_VD, target_N = student
    results = []
    for loss in (ours(hidden_ND, output_VD, target_N), naive(hidden_ND, output_VD, target_N)):
        results.append((loss.detach(), *torch.autograd.grad(3 * loss, (hidden_ND, output_VD))))
    for our, expected in zip(*results, strict=True):
        torch.testing.assert_close(our, expected, rtol=1e-10, atol=1e-13)


def test_cross_entropy_of_two_words_by_hand() -> None:
    hidden_ND = torch.tensor([[1.0]], requires_grad=True)
    output_VD = torch.tensor([[0.0], [math.log(3)]], requires_grad=True)
    loss = cross_entropy(hidden_ND, output_VD, torch.tensor([1]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(4 / 3))
    assert output_VD.grad is not None
    assert output_VD.grad.flatten().tolist() == pytest.approx([1 / 4, -1 / 4])


def test_cross_entropy_and_gradients_equal_the_library(student: tuple[Tensor, Tensor, Tensor]) -> None:
    def naive(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
        return F.cross_entropy(hidden_ND @ output_VD.T, target_N, ignore_index=IGNORED)

    same_loss_and_gradients(cross_entropy, naive, student)


@pytest.mark.parametrize(("weight", "temperature"), [(0.5, 1.0), (0.3, 2.0), (1.0, 0.7), (0.0, 3.0)])
def test_distillation_and_gradients_equal_the_definition(
    student: tuple[Tensor, Tensor, Tensor], teacher: tuple[Tensor, Tensor], weight: float, temperature: float
) -> None:
    def ours(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
        return distillation(hidden_ND, output_VD, target_N, *teacher, weight, temperature)

    def naive(hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor) -> Tensor:
        kept = target_N != IGNORED
        logits = hidden_ND[kept] @ output_VD.T
        log_p = F.log_softmax(logits / temperature, 1)
        log_q = F.log_softmax(teacher[0][kept] @ teacher[1].T / temperature, 1)
        divergence = F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)
        return (1 - weight) * F.cross_entropy(logits, target_N[kept]) + weight * temperature**2 * divergence

    same_loss_and_gradients(ours, naive, student)


def test_gradients_equal_finite_differences(generator: torch.Generator) -> None:
    hidden_ND = torch.randn(3, 2, generator=generator, requires_grad=True)
    output_VD = torch.randn(4, 2, generator=generator, requires_grad=True)
    target_N = torch.tensor([1, IGNORED, 3])
    teacher = torch.randn(3, 2, generator=generator), torch.randn(4, 2, generator=generator)
    assert torch.autograd.gradcheck(lambda h, w: cross_entropy(h, w, target_N), (hidden_ND, output_VD))
    assert torch.autograd.gradcheck(
        lambda h, w: distillation(h, w, target_N, *teacher, 0.4, 1.7), (hidden_ND, output_VD)
    )


def test_a_student_equal_to_its_teacher_has_no_divergence(student: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden_ND, output_VD, target_N = student
    loss = distillation(hidden_ND, output_VD, target_N, hidden_ND.detach(), output_VD.detach(), 1.0, 2.0)
    (gradient,) = torch.autograd.grad(loss, hidden_ND)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert gradient.abs().max() < 1e-12


def test_token_nll_averages_to_the_loss_and_is_zero_where_ignored(student: tuple[Tensor, Tensor, Tensor]) -> None:
    nll_N = token_nll(*student)
    kept = student[2] != IGNORED
    assert not nll_N[~kept].any()
    assert nll_N[kept].mean().item() == pytest.approx(cross_entropy(*student).item(), rel=1e-12)


def test_all_ignored_is_zero_without_gradient() -> None:
    hidden_ND = torch.ones(3, 2, requires_grad=True)
    loss = cross_entropy(hidden_ND, torch.ones(4, 2), torch.full((3,), IGNORED))
    loss.backward()
    assert loss.item() == 0
    assert hidden_ND.grad is not None
    assert not hidden_ND.grad.any()


def test_extreme_logits_in_float32_stay_finite_and_exact() -> None:
    hidden_ND = torch.tensor([[1000.0]], dtype=torch.float32, requires_grad=True)
    output_VD = torch.tensor([[1.0], [-1.0]], dtype=torch.float32)
    loss = cross_entropy(hidden_ND, output_VD, torch.tensor([1]))
    loss.backward()
    assert loss.item() == 2000
    assert hidden_ND.grad is not None
    assert hidden_ND.grad.item() == 2


def test_bfloat16_autocast_agrees_roughly_and_gives_float32_gradients(student: tuple[Tensor, Tensor, Tensor]) -> None:
    hidden_ND, output_VD = (tensor.detach().float().requires_grad_() for tensor in student[:2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = cross_entropy(hidden_ND, output_VD, student[2])
    gradient, _ = torch.autograd.grad(loss, (hidden_ND, output_VD))
    (expected,) = torch.autograd.grad(cross_entropy(*student), student[0])
    assert loss.dtype == gradient.dtype == torch.float32
    assert loss.item() == pytest.approx(cross_entropy(*student).item(), rel=0.02)
    assert (gradient - expected).norm() < 0.03 * expected.norm()
