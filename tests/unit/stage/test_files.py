"""Files are whole or absent, and damage is seen."""

import errno
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.stage import files
from speclm.stage.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    files.write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(path, {"new": float("nan")})
    with pytest.raises(RuntimeError, match="half way"), files.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")
    assert files.read_json(path) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.json"]


def test_a_full_disk_is_told_with_file_and_remedy(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"array\.npy: cannot be written: No space left.*\nRemedy: make room"),
        files.atomic(tmp_path / "array.npy"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_really_full_device_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No space left"), files.atomic(tmp_path / "x") as temporary:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")
        temporary.touch()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_gone_when_the_file_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / ".value.json.part"
    folder.mkdir()
    (folder / "value.json").write_text("half")
    (folder / ".tmpAbC").write_text("a library's own")
    files.write_json(tmp_path / "value.json", 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.json"]


def test_two_writers_of_one_file_are_refused_and_the_first_wins(tmp_path: Path) -> None:
    with files.atomic(tmp_path / "x.txt") as first:
        first.write_text("first")
        with pytest.raises(UserError, match=r"x\.txt: another process is at work here\nRemedy: wait for its end"):
            files.write_text(tmp_path / "x.txt", "second")
    assert (tmp_path / "x.txt").read_text() == "first"
    files.write_text(tmp_path / "x.txt", "second")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.txt"]


def test_an_error_of_another_file_is_not_told_as_this_ones(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="elsewhere"), files.atomic(tmp_path / "x.txt"):
        (tmp_path / "elsewhere").read_text()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: b""]
)
def test_a_damaged_array_is_refused(tmp_path: Path, damage) -> None:
    path = tmp_path / "counts.npy"
    files.write_array(path, np.arange(5), corpus="generic")
    assert files.read_array(path).tolist() == [0, 1, 2, 3, 4]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"counts\.npy: is damaged.*\nRemedy: delete both"):
        files.read_array(path)


@pytest.mark.parametrize("shape", [(0,), (7,), (5, 3), (0, 4), (9, 2, 2)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "S16"])
def test_an_array_is_what_numpy_writes_whole_or_in_blocks(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    np.save(tmp_path / "numpy.npy", array)
    files.write_array(tmp_path / "whole.npy", np.asfortranarray(array), corpus="a")
    blocks = np.split(array, range(2, len(array), 2))
    files.write_rows(tmp_path / "blocks.npy", len(array), blocks, corpus="a")
    for name in ("whole", "blocks"):
        assert (tmp_path / f"{name}.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()
        assert files.read_array(tmp_path / f"{name}.npy").tolist() == array.tolist()
        sizes = [0, len(array) // 3, 0, len(array) - len(array) // 3]
        read = list(files.read_blocks(tmp_path / f"{name}.npy", sizes))
        assert [row.tolist() for block in read for row in block] == array.tolist()
        assert [len(block) for block in read] == sizes
        assert files.read_json(tmp_path / f"{name}.npy.json")["shape"] == list(shape)


def test_a_file_changed_a_moment_ago_is_read_again(tmp_path: Path) -> None:
    """It may have changed twice within a tick of the file system's clock."""
    path = tmp_path / "counts.npy"
    files.write_array(path, np.arange(5))
    stamp = path.stat().st_mtime_ns
    assert files.read_array(path).tolist() == [0, 1, 2, 3, 4]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(stamp, stamp))
    with pytest.raises(UserError, match="is damaged"):
        files.read_array(path)


def test_notes_do_not_change_a_folders_checksum(tmp_path: Path) -> None:
    files.write_array(tmp_path / "embedder/idf.npy", np.arange(5))
    os.utime(tmp_path / "embedder/idf.npy", (time.time() - 60,) * 2)
    before = files.sha256(tmp_path / "embedder")
    files.read_array(tmp_path / "embedder/idf.npy")
    assert (tmp_path / "embedder/.idf.npy.seen").exists()
    assert files.sha256(tmp_path / "embedder") == before


def test_arrays_of_shards_follow_each_other(tmp_path: Path) -> None:
    for name, part in (("a", np.arange(3)), ("b", np.arange(3, 5))):
        files.write_array(tmp_path / name, part)
    assert files.read_arrays([tmp_path / "a", tmp_path / "b"]).tolist() == [0, 1, 2, 3, 4]
    assert files.read_arrays([tmp_path / "b"]).tolist() == [3, 4]


def test_an_array_without_sidecar_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "bare.npy", np.arange(3))
    with pytest.raises(UserError, match="has no sidecar"):
        files.read_array(tmp_path / "bare.npy")


@given(st.lists(st.fixed_dictionaries({"id": st.text(), "text": st.text()}), max_size=20))
def test_documents_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, documents: list[dict[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("documents") / "d.jsonl.zst"
    written = [{k: v.encode("utf-8", "replace").decode() for k, v in document.items()} for document in documents]
    assert files.write_documents(path, written) == len(documents)
    assert list(files.read_documents(path)) == written


def test_truncated_documents_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl.zst"
    files.write_documents(path, [{"text": f"number {i} of many"} for i in range(5000)])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match=r"d\.jsonl\.zst: .*damaged"):
        list(files.read_documents(path))


def test_tables_keep_words_that_look_like_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"selection": ["none", "NA"], "nll": [1 / 3, float("nan")]})
    files.write_table(tmp_path / "t.tsv", frame)
    assert (tmp_path / "t.tsv").read_text() == "selection\tnll\nnone\t0.33333333\nNA\t\n"
    back = files.read_table(tmp_path / "t.tsv")
    assert back["selection"].tolist() == ["none", "NA"]
    assert np.isnan(back["nll"][1])
