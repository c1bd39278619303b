"""Passages by way of the disk are those in memory: sorted, in ranges, of the texts that are asked for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.data.passages import RANGES, PassagesOnDisk, passages_in_memory, range_starts, write_passages

WIDTH = 2**64 // RANGES
hashes = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, WIDTH - 1, WIDTH, 2**64 - 1])
texts = st.lists(st.lists(hashes, max_size=8), max_size=6)


@given(parts=st.lists(texts, max_size=3), wanted=st.sets(st.integers(0, 17)))
@settings(deadline=None, max_examples=40)
def test_of_the_texts_asked_for_all_passages_come_in_order(  # type: ignore[no-untyped-def]
    parts: list[list[list[int]]], wanted: set[int], tmp_path_factory
) -> None:
    flat = [passages for part in parts for passages in part]
    kept = sorted(number for number in wanted if number < len(flat))
    first, ranges = 0, []
    for part in parts:
        lengths = [len(passages) for passages in part]
        values = np.array([value for passages in part for value in passages], dtype=np.uint64)
        ranges.append(passages_in_memory(values, first + np.repeat(np.arange(len(part)), lengths)))
        first += len(part)
    folder = tmp_path_factory.mktemp("passages") / "here"
    write_passages(ranges, folder)
    found = list(PassagesOnDisk(folder, np.array(kept, dtype=np.int64)))
    assert len(found) == RANGES
    for number, (values, of) in enumerate(found):
        assert values.tolist() == sorted(values.tolist())
        all_of_them = ((value, place) for place, text in enumerate(kept) for value in flat[text])
        expected = sorted((value, place) for value, place in all_of_them if value // WIDTH == number)
        assert sorted(zip(values.tolist(), of.tolist(), strict=True)) == expected


def test_random_hashes_are_divided_equally() -> None:
    values = np.random.default_rng(0).integers(2**64, size=64_000, dtype=np.uint64)
    sizes = [len(part) for part, _ in passages_in_memory(values, np.zeros(64_000, dtype=np.int64))]
    assert len(sizes) == RANGES and 850 < min(sizes) < max(sizes) < 1150
    assert sizes == np.diff([0, *range_starts(np.sort(values)), len(values)]).tolist()
