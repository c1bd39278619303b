from __future__ import annotations

import torch
from torch.nn import functional as F

from speclm.model.grouped import grouped_mlp

ROWS = [3, 1, 5]


def test_every_row_goes_through_its_own_expert(generator: torch.Generator) -> None:
    x_ND = torch.randn(9, 4, generator=generator)
    up_PID, down_PDI = torch.randn(3, 5, 4, generator=generator), torch.randn(3, 4, 5, generator=generator)
    y_ND = grouped_mlp(x_ND, up_PID, down_PDI, ROWS)
    for row, expert in enumerate([0, 0, 0, 1, 2, 2, 2, 2, 2]):
        expected_D = down_PDI[expert] @ F.gelu(up_PID[expert] @ x_ND[row])
        torch.testing.assert_close(y_ND[row], expected_D, rtol=1e-12, atol=1e-14)


def test_gradients_equal_finite_differences(generator: torch.Generator) -> None:
    x_ND = torch.randn(9, 2, generator=generator, requires_grad=True)
    up_PID = torch.randn(3, 3, 2, generator=generator, requires_grad=True)
    down_PDI = torch.randn(3, 2, 3, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: grouped_mlp(*given, ROWS), (x_ND, up_PID, down_PDI))
