from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from speclm.stage.errors import UserError
from speclm.train.experts import most_frequent, open_experts
from unit.train.studies import EXPERTS, Study


@pytest.mark.parametrize(("method", "count"), [("slm", 1), ("slm_pn", EXPERTS)])
def test_candidates_are_ordinary_transformers(study: Study, method: str, count: int) -> None:
    study.pretrain(method, "base")
    experts = open_experts(study.size, [study.folder / f"base/{method}/all/checkpoints/b2.safetensors"], 7)
    (plain,) = open_experts(study.size, [], 7)
    shapes = {name: tensor.shape for name, tensor in plain().items()}
    assert len(experts) == count
    assert all({name: tensor.shape for name, tensor in expert().items()} == shapes for expert in experts)


def test_fresh_draws_repeat_by_seed(study: Study) -> None:
    (once,), (again,), (other,) = (open_experts(study.size, [], seed) for seed in (7, 7, 8))
    assert torch.equal(once()["embedding"], again()["embedding"])
    assert not torch.equal(once()["embedding"], other()["embedding"])


def test_a_checkpoint_of_another_size_is_refused(study: Study) -> None:
    study.pretrain("slm", "base")
    path = study.folder / "base/slm/all/checkpoints/b1.safetensors"
    with pytest.raises(UserError, match="another size"):
        open_experts(replace(study.size, layers=3), [path], 7)[0]()


def test_most_frequent_takes_the_lower_of_equals() -> None:
    assert most_frequent(np.array([2, 0, 2, 1], dtype=np.int32)) == 2
    assert most_frequent(np.array([1, 0, 3, 3, 1], dtype=np.int32)) == 1
