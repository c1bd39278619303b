"""What every unit test leaves as it found it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def denormal_numbers_stay() -> Iterator[None]:
    """A training flushes them to zero in its process; hypothesis wants them back. Torch is not loaded for this."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
