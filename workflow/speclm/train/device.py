"""The machine under a training, set so that the same numbers come out every time.

The thread count is a setting of the science: sums taken by two threads differ in the last bits from those taken by one.
Denormal numbers are flushed to zero: Adam's moments decay into them, and they make matrix products ten times slower.

    prepare(1, "cpu") -> torch.device("cpu")
"""

from __future__ import annotations

import os

import torch

from speclm.stage.errors import UserError


def prepare(threads: int, device: str) -> torch.device:
    """Fix threads and algorithms of this process and return the device.

    Raises:
        UserError: the device is not there.
    """
    if device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats its sums only with this
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise UserError(f'the device "{device}" is not on this machine', key="device", remedy='set it to "cpu"')
    torch.set_flush_denormal(True)  # before the worker threads start: they inherit it
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms, without importing the compiler
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a debugging aid that costs a write per tensor
    return torch.device(device)
