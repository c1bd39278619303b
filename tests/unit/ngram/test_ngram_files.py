"""A table on a disk is the table, takes what is said of it, and is never trusted where it was damaged."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speclm.ngram.files import load_table, save_table
from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.pruning import prune
from speclm.stage.errors import UserError

TEXTS = st.lists(st.integers(0, 4), min_size=1, max_size=60)
HEADER = 2000  # bytes that name the parts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(TEXTS, st.integers(60, 900))
def test_what_is_read_is_what_was_written(tmp_path: Path, text: list[int], room: int) -> None:
    whole = train_ngram(np.array(text), 5)
    for table in (whole, prune(whole, room)):
        save_table(tmp_path / "t.safetensors", table, method="ngram")
        read, meta = load_table(tmp_path / "t.safetensors")
        assert meta == {"method": "ngram"} and read.bytes == table.bytes
        assert 0 <= (tmp_path / "t.safetensors").stat().st_size - table.bytes < HEADER
        for ours, theirs in zip(table.levels, read.levels, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_equal_tables_are_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        save_table(tmp_path / f"{name}.safetensors", train_ngram(np.array([1, 2, 1, 2, 3]), 5))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_missing_or_damaged_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    with pytest.raises(UserError, match="not there"):
        load_table(path)
    save_table(path, train_ngram(np.array([1, 2]), 5))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match="damaged"):
        load_table(path)
