from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from speclm.model.chunks import CPU_FLOATS, FEWEST_ROWS, row_chunks, to_autocast


@given(start=st.integers(0, 500), length=st.integers(0, 3000), width=st.integers(1, 100_000))
def test_chunks_cover_every_row_once_and_stay_small(start: int, length: int, width: int) -> None:
    chunks = row_chunks(slice(start, start + length), width, torch.device("cpu"))
    assert [row for chunk in chunks for row in range(chunk.start, chunk.stop)] == list(range(start, start + length))
    assert all(chunk.stop - chunk.start <= max(FEWEST_ROWS, CPU_FLOATS / width) for chunk in chunks)


def test_autocast_decides_the_type() -> None:
    tensor = torch.ones(2, dtype=torch.float32)
    assert to_autocast(tensor)[0].dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert to_autocast(tensor)[0].dtype == torch.bfloat16
