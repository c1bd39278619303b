"""What to tell the user of a training or an evaluation that the machine has not enough memory for.

    with enough_memory("micro_batch"):
        torch.empty(10**15)
    -> UserError: micro_batch: there is not enough memory (… you tried to allocate 4000000000000000 bytes …)

The kernel may also end a process that takes too much (exit code 137): no error can be told then, but nothing is lost.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from speclm.stage.errors import UserError

# of errors that torch's CPU allocator and C++ raise as RuntimeError, and of libraries that cannot be loaded
WORDS = ("can't allocate memory", "bad_alloc", "failed to map segment")
Error = MemoryError | RuntimeError | OSError | ImportError


@contextmanager
def enough_memory(key: str) -> Iterator[None]:
    """Turn every error that means "out of memory" into the user's.

    Args:
        key: of the setting that says how many windows are computed at once.

    Raises:
        UserError: there is not enough memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        if not _exhausted(error):
            raise
        said = str(error).strip().partition("\n")[0].rpartition("err == 0. ")[2]  # of torch's: without its source line
        raise UserError(
            f"there is not enough memory ({said or type(error).__name__})",
            key=key,
            remedy="lower it (results differ by rounding alone), or let fewer jobs run at once with --cores, then run "
            "the same command again: a training goes on from its last checkpoint",
        ) from error


def _exhausted(error: Error) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(word in str(error) for word in WORDS)
