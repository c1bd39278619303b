"""Small models in float64, so that two ways of computing the same must agree to 1e-12."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from speclm.model.size import ModelSize, ProjectionSize


@pytest.fixture(autouse=True)
def one_thread_and_float64() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def size() -> ModelSize:
    return ModelSize(vocabulary=40, context=8, layers=3, width=16, heads=2, inner=24)


@pytest.fixture
def projection() -> ProjectionSize:
    return ProjectionSize(experts=5, components=3, rank=4, projected_layers=2, start="random")


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)


@pytest.fixture(name="tokens_BL")
def tokens(size: ModelSize, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(size.vocabulary, (6, size.context + 1), generator=generator)
