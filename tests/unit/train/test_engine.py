from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from speclm.stage.errors import UserError
from speclm.train.engine import prepare
from unit.train.studies import ENGINE


def test_sets_threads_and_flushes_denormals() -> None:
    assert prepare(ENGINE) == torch.device("cpu")
    assert torch.get_num_threads() == 1
    assert float(torch.tensor([1e-40]) * 1.0) == 0.0


@pytest.mark.parametrize("device", ["tpu", "cuda"])
def test_a_device_that_is_not_there_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=device):
        prepare(replace(ENGINE, device=device))
