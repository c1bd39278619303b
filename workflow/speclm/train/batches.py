"""In which order a training sees its windows: iterators that carry their state.

An order yields window indices without end, epoch after epoch. A batch may straddle two epochs, so that every batch
is full and still every window is seen exactly once per epoch. Its state is one number, the count of windows
handed out, from which everything else follows:

    order = ShuffledEpochs(np.arange(3), 17, "order")
    order.take(2) -> [2, 0]    order.take(2) -> [1, 0]    order.position -> 4     (3 is an epoch's length)

Shapes: N windows of the set, B windows of a batch, L = T + 1 tokens of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speclm.data.windows import Windows
from speclm.stage.errors import UserError
from speclm.stage.streams import rng

Indices = NDArray[np.int64]
Item = TypeVar("Item")


class Order(Protocol):
    """An endless iterator over window indices; setting `position` continues it from there."""

    position: int

    def take(self, count: int) -> Indices:
        """The next `count` window indices."""


class GivenSequence:
    """Windows in exactly the order given (importance sampling draws one); at its end it starts again."""

    def __init__(self, sequence_N: Indices) -> None:
        self.position = 0
        self._sequence_N = _filled(sequence_N)

    def take(self, count: int) -> Indices:
        """The next `count` window indices."""
        places_B = np.arange(self.position, self.position + count) % len(self._sequence_N)
        self.position += count
        return self._sequence_N[places_B]


class ShuffledEpochs:
    """Every window of a set once per epoch, each epoch in an order of its own.

    Args:
        windows_N: the indices of the set's windows.
        seed, names: the random stream; the epoch's number is added to its name.
    """

    def __init__(self, windows_N: Indices, seed: int, *names: str | int) -> None:
        self.position = 0
        self._windows_N = _filled(windows_N)
        self._seed, self._names = seed, names
        self._shuffled: tuple[int, Indices] = (-1, self._windows_N)

    def take(self, count: int) -> Indices:
        """The next `count` window indices."""
        parts = []
        while count > 0:
            epoch, place = divmod(self.position, len(self._windows_N))
            part = self._epoch(epoch)[place : place + count]
            parts.append(part)
            self.position += len(part)
            count -= len(part)
        return np.concatenate(parts)

    def _epoch(self, epoch: int) -> Indices:
        if self._shuffled[0] != epoch:
            self._shuffled = (epoch, rng(self._seed, *self._names, "epoch", epoch).permutation(self._windows_N))
        return self._shuffled[1]


def load(windows: Windows, indices_B: Indices, device: torch.device) -> Tensor:
    """The tokens of these windows, (B, L) int64, on the device."""
    return to_device(windows.batch(indices_B), device)


def to_device(array: NDArray[np.int64], device: torch.device) -> Tensor:
    """An array as a tensor on the device, copied there while this process goes on."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def ahead(make: Callable[[], Item], enabled: bool) -> Iterator[Item]:
    """What `make` gives, call after call; if enabled, the next is made in a thread while the last is used."""
    if not enabled:
        while True:
            yield make()
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(make)
        while True:
            item = coming.result()
            coming = thread.submit(make)
            yield item


def _filled(windows_N: Indices) -> Indices:
    if len(windows_N) == 0:
        raise UserError(
            "there is no window to train on", remedy="give more text, or shorter windows, or fewer clusters"
        )
    return np.asarray(windows_N, dtype=np.int64)
