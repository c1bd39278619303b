"""Named random streams: every use of randomness has a name, so that adding one changes no other.

``rng(17, "importance", "sympy")`` depends on these three values alone: a fourth domain in the study leaves the
sample of sympy as it was. Names are hashed with SHA-256 rather than with `hash`, which differs between processes.
"""

from __future__ import annotations

import hashlib

import numpy as np


def rng(seed: int, *names: str | int) -> np.random.Generator:
    """A generator for the stream called `names` under `seed`."""
    return np.random.Generator(np.random.PCG64(_words(seed, *names)))


def torch_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for ``torch.Generator().manual_seed`` belonging to the stream called `names`."""
    return int(rng(seed, *names).integers(2**63))


def _words(seed: int, *names: str | int) -> list[int]:
    """The stream's name as eight 32-bit words."""
    digest = hashlib.sha256("\0".join([str(seed), *map(str, names)]).encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
