"""Tiny stores, sizes and settings for the tests of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from speclm.data.windows import Windows, open_windows, write_store
from speclm.model.size import ModelSize
from speclm.train.loop import Optimization
from unit.train.studies import Study

VOCABULARY = 32
CONTEXT = 8


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def size() -> ModelSize:
    return ModelSize(vocabulary=VOCABULARY, context=CONTEXT, layers=2, width=16, heads=2, inner=32)


@pytest.fixture
def optimization() -> Optimization:
    return Optimization(
        learning_rate=0.01,
        beta1=0.9,
        beta2=0.99,
        weight_decay=0.0,
        clip=5.0,
        warmup_steps=3,
        batch_windows=4,
        micro_batch_windows=2,
    )


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Windows]:
    """Make a store of documents of random text: each token follows from the one before, or is drawn anew."""

    def make(name: str, documents: int = 12, length: int = 30, seed: int = 0) -> Windows:
        random = np.random.default_rng(seed)
        return write(name, [_chain(random, length + int(random.integers(9))) for _ in range(documents)])

    def write(name: str, streams: list[np.ndarray], context: int = CONTEXT, vocabulary: int = VOCABULARY) -> Windows:
        path = tmp_path / "stores" / f"{name}.bin"
        rows = ((tokens, 2 * len(tokens), 3 * len(tokens)) for tokens in streams)
        write_store(rows, context, vocabulary, "0" * 64, path)
        return open_windows(path)

    make.write = write  # type: ignore[attr-defined]
    return make


def _chain(random: np.random.Generator, length: int) -> np.ndarray:
    tokens = [1]
    while len(tokens) < length:
        follows = random.random() < 0.8
        tokens.append((5 * tokens[-1] + 3) % VOCABULARY if follows else int(random.integers(2, VOCABULARY)))
    return np.array(tokens)


@pytest.fixture
def study(tmp_path: Path, store: Callable[..., Windows], size: ModelSize, optimization: Optimization) -> Study:
    corpora = {"generic": 0, "heldout": 1, "train": 2, "valid": 3}
    stores = {name: store(name, documents=8, seed=seed) for name, seed in corpora.items()}
    return Study(tmp_path / "study", **stores, size=size, optimization=optimization)
