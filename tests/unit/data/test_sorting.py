"""Sorted by way of the disk as in memory."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.data.sorting import FILES, sort_unique

values = st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**58 - 1, 2**58, 2**64 - 1]), max_size=20)


@given(blocks=st.lists(values, max_size=4))
@settings(deadline=None, max_examples=25)
def test_what_comes_out_is_sorted_and_different(blocks: list[list[int]], tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    sizes = sort_unique([np.array(block, dtype=np.uint64) for block in blocks], tmp_path_factory.mktemp("sort"))
    found = [np.fromfile(path, dtype=np.uint64) for path in sizes]
    assert [len(part) for part in found] == list(sizes.values())
    assert np.concatenate(found).tolist() == sorted({value for block in blocks for value in block})


def test_random_values_are_divided_equally(tmp_path: Path) -> None:
    sizes = sort_unique([np.random.default_rng(0).integers(2**64, size=64_000, dtype=np.uint64)], tmp_path)
    assert len(sizes) == FILES and 850 < min(sizes.values()) < max(sizes.values()) < 1150
