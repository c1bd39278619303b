"""A shuffled corpus: its texts have the traces that they have without the disk, in blocks of any size."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from speclm.data import pool
from speclm.data.traces import trace_texts
from speclm.stage.errors import UserError
from speclm.stage.files import write_documents


@pytest.mark.parametrize("together", [1, 300, 1 << 19])
def test_traces_of_some_texts_are_those_of_all_that_are_theirs(
    together: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_TRACED_TOGETHER", together)
    lines = [" ".join(f"w{(number * word) % 41}" for word in range(30 + number)) for number in range(12)]
    files = [tmp_path / "first.jsonl.zst", tmp_path / "second.jsonl.zst"]
    for file, part in zip(files, (lines[:5], lines[5:]), strict=True):
        write_documents(file, ({"id": line[:9], "text": line} for line in part))
    for left in ("documents.jsonl", "keys", "sketches", "passages/00", "passages/63"):  # by a job that was killed
        (tmp_path / "scratch/passages").mkdir(parents=True, exist_ok=True)
        (tmp_path / "scratch" / left).write_bytes(b"left behind")
    with pool.open_pool(files, np.random.default_rng(3), 16, 20, tmp_path / "scratch", first=9) as opened:
        assert len(opened) == 9 and not opened.whole
        numbers = np.array([0, 3, 4, 8])
        texts = [document["text"] for document in opened.documents(numbers)]
        assert set(texts) < set(lines)
        found, expected = opened.traces(numbers), trace_texts(texts, 16, 20)
        assert found.keys.tolist() == expected.keys.tolist()
        assert found.sketches.tolist() == expected.sketches.tolist()
        for ours, theirs in zip(found.passages, expected.passages, strict=True):
            assert sorted(zip(*map(np.ndarray.tolist, ours), strict=True)) == sorted(
                zip(*map(np.ndarray.tolist, theirs), strict=True)
            )
    assert not (tmp_path / "scratch").exists()


# For no document; for all, but not for their sketches.
@pytest.mark.parametrize(("room", "permutations"), [(1 << 12, 16), (1 << 14, 4096)])
def test_no_room_on_the_disk(room: int, permutations: int, tmp_path: Path) -> None:
    words = ([os.urandom(3).hex() for _ in range(1000)] for _ in range(2))
    write_documents(tmp_path / "a.jsonl.zst", ({"text": " ".join(text)} for text in words))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    scratch = tmp_path / "scratch"
    opened = pool.open_pool([tmp_path / "a.jsonl.zst"], np.random.default_rng(3), permutations, 20, scratch)
    try:
        with pytest.raises(UserError, match=r"scratch: cannot be written: File too large\nRemedy: make room"), opened:
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not scratch.exists()
