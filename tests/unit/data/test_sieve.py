"""Documents go with which a stream would hold a window that is kept out, and no others."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.data import sieve
from speclm.data.sieve import Sieve, run_hashes
from speclm.data.windows import write_store


def store(folder: Path, tokens: list[int], context: int = 3) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    write_store([(np.array(tokens), 1, 1)], context, 100, "t", path)
    return path


def passing(stores: list[Path], documents: list[list[int]], context: int = 3) -> tuple[list[list[int]], int]:
    sieved = Sieve(stores, context)
    kept = [tokens.tolist() for tokens, _, _ in sieved.passing((np.array(tokens), 1, 1) for tokens in documents)]
    return kept, sieved.left_out


def test_a_window_at_any_place_takes_its_document_out(tmp_path: Path) -> None:
    stores = [store(tmp_path, [0, 1, 2, 3, 4, 5, 6])]
    assert passing(stores, [[7, 8], [1, 3, 4, 5], [6], [1, 2, 3], [0, 1]]) == ([[7, 8], [6], [1, 2, 3], [0, 1]], 1)
    assert passing(stores, [[0, 1], [2, 9], [9]]) == ([[0, 1], [9]], 1)  # where two meet
    assert passing([], [[0, 1, 2]]) == ([[0, 1, 2]], 0)


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), max_size=8),
    st.lists(st.integers(0, 3), min_size=4, max_size=20),
    st.integers(1, 5),
)
def test_no_window_stays_and_nothing_goes_without_one(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[int]], other: list[int], together: int
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    windows = {tuple(other[i : i + 3]) for i in range(0, len(other) - 3, 3)}
    before = sieve._TOGETHER
    sieve._TOGETHER = together
    kept, left_out = passing([store(folder, other)], documents)
    sieve._TOGETHER = before
    expected, stream = list[list[int]](), list[int]()
    for tokens in documents:
        longer = stream + tokens
        if not windows & {tuple(longer[i : i + 3]) for i in range(max(0, len(stream) - 2), len(longer) - 2)}:
            expected, stream = [*expected, tokens], longer
    assert (kept, left_out) == (expected, len(documents) - len(expected))


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 12))
def test_runs_hash_alike_exactly_when_they_are_alike(tokens: list[int], length: int) -> None:
    runs = [tuple(tokens[i : i + length]) for i in range(len(tokens) - length + 1)]
    hashes = run_hashes(np.array(tokens, dtype=np.int64), length).tolist()
    assert len(hashes) == len(runs)
    assert len(set(zip(runs, hashes, strict=True))) == len(set(runs)) == len(set(hashes))
