from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.stage.errors import UserError
from speclm.train.batches import GivenSequence, ShuffledEpochs, ahead, load


@given(windows=st.integers(1, 40), batch=st.integers(1, 17), epochs=st.integers(1, 4), seed=st.integers(0, 9))
def test_every_window_exactly_once_per_epoch(windows: int, batch: int, epochs: int, seed: int) -> None:
    order = ShuffledEpochs(np.arange(windows), seed, "order")
    batches = [order.take(batch) for _ in range(-(-windows * epochs // batch))]
    assert all(len(indices) == batch for indices in batches)
    stream = np.concatenate(batches)[: windows * epochs].reshape(epochs, windows)
    assert (np.sort(stream, axis=1) == np.arange(windows)).all()


@given(windows=st.integers(1, 30), batch=st.integers(1, 9), done=st.integers(0, 20))
def test_position_is_the_whole_state(windows: int, batch: int, done: int) -> None:
    for fresh in (
        lambda: ShuffledEpochs(np.arange(windows) + 5, 3, "order"),
        lambda: GivenSequence(np.arange(windows)[::-1]),
    ):
        order, resumed = fresh(), fresh()
        for _ in range(done):
            order.take(batch)
        resumed.position = order.position
        assert (order.take(3 * windows) == resumed.take(3 * windows)).all()


def test_epochs_and_streams_differ() -> None:
    first, second = np.split(ShuffledEpochs(np.arange(50), 3, "order").take(100), 2)
    other = ShuffledEpochs(np.arange(50), 3, "another").take(50)
    assert (first != second).any() and (first != other).any()


def test_given_sequence_is_kept_and_repeated() -> None:
    order = GivenSequence(np.array([4, 4, 1]))
    assert order.take(2).tolist() == [4, 4]
    assert order.take(5).tolist() == [1, 4, 4, 1, 4]


@pytest.mark.parametrize("enabled", [True, False])
def test_made_ahead_it_is_the_same_in_the_same_order(enabled: bool) -> None:
    order, plain = ShuffledEpochs(np.arange(7), 3, "order"), ShuffledEpochs(np.arange(7), 3, "order")
    batches = [batch.tolist() for batch in islice(ahead(lambda: order.take(3), enabled), 20)]
    assert batches == [plain.take(3).tolist() for _ in range(20)]


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(UserError, match="no window"):
        GivenSequence(np.array([], dtype=np.int64))


def test_windows_of_a_range_cover_it(store) -> None:
    import torch

    windows = store.write("range", [np.arange(25)])
    tokens_BL = load(windows, np.arange(windows.count), torch.device("cpu"))
    assert tokens_BL[:, :-1].flatten().tolist() == list(range(24))
    assert tokens_BL[:, 1:].flatten().tolist() == list(range(1, 25))
