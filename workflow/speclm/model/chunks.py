"""How fused functions cut their rows, and the precision they compute in.

A layer's widest tensor is several times larger than what enters and leaves it. Made for a few rows at a time, used
up and forgotten, it never leaves the processor's second-level cache.

Example: logits of a vocabulary of 2,048 on a CPU: 2^19 / 2048 = 256 rows at a time, 2 MiB.
"""

from __future__ import annotations

import torch
from torch import Tensor

CPU_FLOATS = 2**19  # 2 MiB: a common second-level cache
DEVICE_FLOATS = 2**26  # 256 MiB: large enough to fill an accelerator, small beside its memory
FEWEST_ROWS = 64  # below, matrix products slow down more than the cache gains


def row_chunks(rows: slice, floats_per_row: int, device: torch.device) -> list[slice]:
    """Cut `rows` into slices whose widest tensor, of `floats_per_row` per row, has the size above."""
    floats = CPU_FLOATS if device.type == "cpu" else DEVICE_FLOATS
    step = max(FEWEST_ROWS, floats // floats_per_row)
    return [slice(start, min(start + step, rows.stop)) for start in range(rows.start, rows.stop, step)]


def to_autocast(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The tensors in autocast's type where autocast is on, as they are where it is off."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return tensors
    dtype = torch.get_autocast_dtype(device)
    return tuple(tensor.to(dtype) for tensor in tensors)
