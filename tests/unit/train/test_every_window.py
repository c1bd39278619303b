"""Every window exactly once per epoch: for any set, batch, interruption and division over processes.

The store's windows are made of their own numbers, so that what is checked is what a model would read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from speclm.data.windows import Windows, open_windows, write_store
from speclm.train.batches import ShuffledEpochs, load
from speclm.train.loop import Optimization, StepLoss, train
from speclm.train.ranks import Ranks, alone
from unit.train.interrupts import Killed, StopAt
from unit.train.studies import session

CPU = torch.device("cpu")
MOST, CONTEXT = 60, 3


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    """A range: window i reads i, i, i and is to predict i, i, i + 1."""
    path = tmp_path_factory.mktemp("store") / "numbered.bin"
    stream = np.arange(MOST * CONTEXT + 1) // CONTEXT
    write_store([(stream, 1, 1)], CONTEXT, MOST + 1, "0" * 64, path)
    return open_windows(path)


def numbers(tokens_BL: Tensor) -> list[int]:
    """The windows that these tokens are."""
    assert (tokens_BL[:, :-1] == tokens_BL[:, :1]).all() and (tokens_BL[:, -1] == tokens_BL[:, 0] + 1).all()
    return tokens_BL[:, 0].tolist()


@given(
    count=st.integers(1, MOST),
    ranks=st.integers(1, 4),
    share=st.integers(1, 20),
    epochs=st.integers(1, 3),
    saved_every=st.integers(1, 5),
    killed=st.lists(st.integers(0, 30), max_size=4),
)
def test_over_epochs_ranks_and_interruptions(
    numbered: Windows, count: int, ranks: int, share: int, epochs: int, saved_every: int, killed: list[int]
) -> None:
    batch = ranks * share
    steps = -(-count * epochs // batch)  # the last batch straddles into an epoch that is not looked at
    read: list[list[list[int]]] = []  # by step, by rank: of what was not lost with a process
    for last in [*killed, steps]:
        kept = len(read) // saved_every * saved_every  # the last checkpoint
        del read[kept:]
        orders = [ShuffledEpochs(np.arange(count), 5, "order") for _ in range(ranks)]
        for order in orders:
            order.position = kept * batch
        for _ in range(kept, min(max(last, kept), steps)):
            drawn = [order.take(batch) for order in orders]
            shares = [Ranks(rank, ranks, CPU, False, parent=1).share(drawn[rank]) for rank in range(ranks)]
            read.append([numbers(load(numbered, indices, CPU)) for indices in shares])
    assert len(read) == steps
    assert {len(part) for parts in read for part in parts} == {share}
    stream = np.concatenate([part for parts in read for part in parts])[: count * epochs]
    assert (np.sort(stream.reshape(epochs, count), axis=1) == np.arange(count)).all()


@pytest.mark.parametrize(("count", "batch", "micro_batch"), [(7, 4, 2), (20, 6, 3), (5, 8, 8), (12, 4, 1)])
def test_in_trainings_that_are_killed(
    numbered: Windows, tmp_path: Path, count: int, batch: int, micro_batch: int
) -> None:
    random, epochs, save_every = np.random.default_rng(count), 4, 3
    steps, seen = -(-count * epochs // batch), []

    def loss(model: nn.Module, tokens_BL: Tensor) -> Tensor:
        seen.extend(numbers(tokens_BL))
        return model(tokens_BL[:, :1] / MOST).square().mean()

    def run(stop: Any) -> None:
        train(
            nn.Linear(1, 1),
            StepLoss(lambda indices_B: (load(numbered, indices_B, CPU),), loss),
            ShuffledEpochs(np.arange(count), 3, "order"),
            Optimization(1e-3, 0.9, 0.99, 0.0, 1.0, 1, batch, micro_batch),
            steps,
            milestones=(),
            on_milestone=lambda step, state: None,
            validation=None,
            journal_every=1,
            save_every=save_every,
            tokens_per_window=CONTEXT,
            seed=1,
            session=session(tmp_path, "slm", stop),
            ranks=alone(CPU),
        )

    for look in random.integers(1, 6, size=5).tolist():
        try:
            run(StopAt(look, kill=True))
        except Killed:
            saved = [int(path.stem[4:]) for path in (tmp_path / "scratch").glob("step*.json")]
            del seen[max(saved, default=0) * batch :]
        else:
            break
    else:
        run(None)
    assert len(seen) == steps * batch
    stream = np.array(seen[: count * epochs]).reshape(epochs, count)
    assert (np.sort(stream, axis=1) == np.arange(count)).all()
    assert len({tuple(epoch) for epoch in stream.tolist()}) > 1 or count < 3
