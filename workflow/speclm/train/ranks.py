"""The processes of one training: how they divide its batches, its gradients, or its state, and what they agree on.

Every process (a rank) draws the same batch and takes its part of it: windows 0 to 3 of 8 on rank 0, 4 to 7 on rank 1.
Their gradients are averaged by torch: by DistributedDataParallel, each rank holding the whole model, or by
`fully_shard` (FSDP), each holding an equal part of every weight, of its gradient and of Adam's state. What a training
decides (stop, loss too high, no longer better) all decide alike, and only the first rank writes.

    Ranks(number=1, count=2, …).share([5, 0, 3, 7]) -> [3, 7]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from speclm.stage.errors import UserError
from speclm.train.batches import Indices
from speclm.train.engine import Engine

Value = TypeVar("Value")


@dataclass(frozen=True)
class Ranks:
    """This process among those of its training; with a count of 1, everything is as without any other."""

    number: int
    count: int
    device: torch.device
    shard: bool
    parent: int

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.number == 0

    def share(self, indices_B: Indices) -> Indices:
        """This rank's part of a batch."""
        size = len(indices_B) // self.count
        return indices_B[self.number * size : (self.number + 1) * size]

    def mean(self, value: float) -> float:
        """The mean over the ranks, the same on each."""
        return self._sum(value) / self.count if self.count > 1 else value

    def must_stop(self, requested: bool) -> bool:
        """Whether any rank was asked to stop, or has lost the process that started it: another may begin the same."""
        if self.count == 1:
            return requested
        return self._sum(float(requested or os.getppid() != self.parent)) > 0

    def tell(self, value: Value) -> Value:
        """What the first rank says. The others wait for it."""
        if self.count == 1:
            return value
        from torch import distributed

        told = [value]
        distributed.broadcast_object_list(told, device=self.device)
        return told[0]

    def distribute(self, model: nn.Module, loss: Callable[..., Tensor]) -> nn.Module:
        """A module whose call is ``loss(model, *batch)`` and whose gradients are averaged over the ranks.

        With `shard` the model's parameters become parts of themselves, in place.
        """
        step = _Step(model, loss)
        if self.shard:
            _shard(model, self.count, self.device)
        elif self.count > 1:
            from torch.nn.parallel import DistributedDataParallel

            # the first step sums gradients in another order than later ones, unless it looks for unused parameters:
            # a training that goes on would differ from one left alone
            return DistributedDataParallel(step, find_unused_parameters=True)
        return step

    def gather(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors undivided: as they are, or on the first rank's CPU where they are parts (nothing elsewhere)."""
        if not self.shard:
            return {name: tensor.detach() for name, tensor in tensors.items()}
        found = {}
        for name, tensor in tensors.items():  # one at a time: a device need not hold them all
            full = whole(tensor)
            if self.first:
                found[name] = full.detach().cpu()
        return found

    def _sum(self, value: float) -> float:
        from torch import distributed

        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return float(total)


def alone(device: torch.device) -> Ranks:
    """The only process of its training."""
    return Ranks(0, 1, device, shard=False, parent=os.getppid())


@contextmanager
def open_ranks(engine: Engine, device: torch.device) -> Iterator[Ranks]:
    """Meet the other processes of this training, which torchrun started.

    Raises:
        UserError: it did not start as many as the settings say.
    """
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != engine.processes:
        raise UserError(
            f"{engine.processes} in the settings, but torchrun started {started}",
            key="engine.processes",
            remedy="start the stage without torchrun, or give both the same number",
        )
    if engine.processes == 1:
        yield alone(device)
        return
    from torch import distributed

    parent = os.getppid()
    if device.type == "cuda":
        torch.cuda.set_device(device)
        distributed.init_process_group("nccl", device_id=device)
    else:
        distributed.init_process_group("gloo")
    yield Ranks(distributed.get_rank(), distributed.get_world_size(), device, engine.shard, parent)
    distributed.destroy_process_group()  # not after a failure: the others may be gone, and this process ends anyway


def require_shares(batch: int, micro_batch: int, processes: int) -> None:
    """Raise UserError where a batch cannot be divided over the processes."""
    if processes > batch:
        raise UserError(
            f"{processes} processes for the {batch} windows of a batch",
            key="engine.processes",
            remedy=f"use at most {batch}, or larger batches",
        )
    if batch % (processes * micro_batch):
        raise UserError(
            f"{processes} processes of {micro_batch} windows at a time do not divide a batch of {batch}",
            key="micro_batch",
            remedy="choose a divisor of batch / processes: every step must see exactly batch windows",
        )


def whole(tensor: Tensor) -> Tensor:
    """A tensor undivided, on every rank."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def copy_whole(target: Tensor, source: Tensor) -> None:
    """Copy a whole tensor into one that may be divided."""
    if hasattr(target, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        source = source.to(target.device)  # every rank has read it: none needs to send it
        source = distribute_tensor(source, target.device_mesh, target.placements, src_data_rank=None)  # type: ignore[attr-defined]
    target.copy_(source)


class _Step(nn.Module):
    """The step's loss as a module: what torch's wrappers ask for."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model, self._loss = model, loss

    def forward(self, *batch: Any) -> Tensor:
        return self._loss(self.model, *batch)


def _shard(model: nn.Module, count: int, device: torch.device) -> None:
    """Divide a decoder's parameters over the ranks: each block's are gathered while it computes, no longer."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    mesh = init_device_mesh(device.type, (count,))
    for layer in (*model.blocks, *model.mlps):  # type: ignore[misc, operator]
        fully_shard(layer, mesh=mesh)
        if hasattr(layer, "matrices"):
            register_fsdp_forward_method(layer, "matrices")
    fully_shard(model, mesh=mesh)
    for method in ("loss", "nll"):
        register_fsdp_forward_method(model, method)
