"""Every token stands in one window as an input, and a store that is not whole is not read."""

import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.data.tokenizer import Tokenizer
from speclm.data.windows import encode_split, open_windows, write_store
from speclm.stage import files
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, read_documents, read_json, sha256, write_documents


def store_of_range(folder: Path, lengths: list[int], context: int, vocabulary: int = 5_000) -> Path:
    """A store whose tokens are 0, 1, 2, … so that a token says where it stands."""
    ends = np.cumsum([0, *lengths])
    documents = [(np.arange(a, b), b - a, 2 * (b - a)) for a, b in pairwise(ends)]
    write_store(documents, context, vocabulary, "sha-of-tokenizer", folder / "train.bin")
    return folder / "train.bin"


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8), context=st.integers(1, 9))
@settings(deadline=None, max_examples=40)
def test_every_token_is_an_input_once_and_targets_follow(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], context: int
) -> None:
    windows = open_windows(store_of_range(tmp_path_factory.mktemp("store"), lengths, context))
    total = sum(lengths)
    assert windows.count == (total - 1) // context
    batch = windows.batch(np.arange(windows.count))
    assert batch.shape == (windows.count, context + 1) and batch.dtype == np.int64
    assert batch[:, :-1].ravel().tolist() == list(range(windows.count * context))
    assert (batch[:, 1:] == batch[:, :-1] + 1).all()
    assert total - windows.count * context <= context  # what is dropped is shorter than a window and its target
    numbers = np.repeat(np.arange(len(lengths)), lengths)
    assert windows.document_of(np.arange(total)).tolist() == numbers.tolist()
    assert windows.documents.tolist() == np.cumsum([0, *lengths]).tolist()


def test_sizes_are_nested_and_too_large_ones_are_refused(tmp_path: Path) -> None:
    windows = open_windows(store_of_range(tmp_path, [101], 10))
    assert [windows.first(size) for size in (10, 19, 20, 100)] == [1, 1, 2, 10]
    for size in (0, 9, 110):
        with pytest.raises(UserError, match=f"{size} tokens asked for; the split has 100"):
            windows.first(size)


@given(st.lists(st.integers(9, 40), min_size=1, max_size=7), st.integers(1, 8))
@settings(deadline=None, max_examples=20)
def test_windows_of_shards_are_those_of_each_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], context: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    shards = [store_of_range(folder / str(number), [length], context) for number, length in enumerate(lengths)]
    windows = open_windows(shards)
    alone = [open_windows(path) for path in shards]
    expected = np.concatenate([shard.batch(np.arange(shard.count)) for shard in alone])
    assert windows.count == len(expected)
    shuffled = np.random.default_rng(0).permutation(windows.count)
    assert np.array_equal(windows.batch(shuffled), expected[shuffled])
    assert windows.batch(np.arange(0)).shape == (0, context + 1)


@pytest.mark.parametrize(("vocabulary", "dtype"), [(65_536, "uint16"), (65_537, "uint32")])
def test_the_token_type_holds_the_vocabulary(tmp_path: Path, vocabulary: int, dtype: str) -> None:
    write_store([(np.array([vocabulary - 1, 0]), 1, 1)], 1, vocabulary, "t", tmp_path / "a.bin")
    windows = open_windows(tmp_path / "a.bin")
    assert windows.tokens.dtype == np.dtype(dtype)
    assert windows.batch(np.array([0])).tolist() == [[vocabulary - 1, 0]]


def test_documents_are_encoded_with_bos_and_their_sizes(documents: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    facts = encode_split(documents, tokenizer, 16, 1, tmp_path / "train.bin")
    windows = open_windows(tmp_path / "train.bin", tokenizer.sha256)
    texts = [document["text"] for document in read_documents(documents)]
    assert facts == read_json(tmp_path / "train.bin.json")
    assert facts["documents"] == len(texts) and facts["bytes"] == sum(len(text.encode()) for text in texts)
    assert windows.bytes.tolist() == [len(text.encode()) for text in texts]
    table = read_array(tmp_path / "train.documents.npy")
    assert table[:, 1].tolist() == [len(text) for text in texts] and facts["characters"] == table[:, 1].sum()
    starts = windows.documents[:-1]
    assert (windows.tokens[starts] == tokenizer.processor.bos_id()).all()
    last = windows.tokens[windows.documents[-2] + 1 :].tolist()
    assert tokenizer.decode([last], 1) == [texts[-1]]


def test_threads_change_no_byte(documents: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    for threads in (1, 2):
        encode_split(documents, tokenizer, 16, threads, tmp_path / str(threads) / "train.bin")
    for name in ("train.bin", "train.bin.json", "train.documents.npy", "train.documents.npy.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_split_shorter_than_a_window_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    write_documents(tmp_path / "d.jsonl.zst", [{"id": "0", "text": "a", "origin": ""}])
    with pytest.raises(UserError, match=r"context: has \d tokens, fewer than one window of 16"):
        encode_split(tmp_path / "d.jsonl.zst", tokenizer, 16, 1, tmp_path / "train.bin")


def test_a_truncated_damaged_or_foreign_store_is_refused(tmp_path: Path) -> None:
    path = store_of_range(tmp_path, [40], 8)
    whole = path.read_bytes()
    assert open_windows(path, "sha-of-tokenizer").count == 4
    with pytest.raises(UserError, match="made with the tokenizer sha-of-token, not with another") as caught:
        open_windows(path, "another")
    assert str(path) in str(caught.value) and "Remedy" in str(caught.value)
    path.write_bytes(whole[:-2])
    with pytest.raises(UserError, match="is cut short: 78 bytes of 80"):
        open_windows(path)
    path.write_bytes(b"\xff" + whole[1:])
    with pytest.raises(UserError, match="is damaged"):
        open_windows(path)
    with pytest.raises(UserError, match="is damaged"):
        open_windows([store_of_range(tmp_path / "other", [40], 8), path])
    path.with_name(f"{path.name}.json").unlink()
    with pytest.raises(UserError, match=rf"has no {path.name}\.json beside it\nRemedy: delete it and run again"):
        open_windows(path)


def test_a_store_is_read_against_its_checksum_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of yesterday; the second reader finds the note of the first."""
    shards = [store_of_range(tmp_path / str(number), [40], 8) for number in range(3)]
    for path in shards:
        os.utime(path, (time.time() - 86_400,) * 2)
    read = []
    monkeypatch.setattr(files, "sha256", lambda path: read.append(path) or sha256(path))
    for _ in range(2):
        assert open_windows(shards).count == 12
    assert read == shards
    whole = shards[1].read_bytes()
    shards[1].write_bytes(whole[:-1] + b"\xff")  # the same size, another time
    with pytest.raises(UserError, match="is damaged"):
        open_windows(shards)
    shards[1].write_bytes(whole[:-2])
    with pytest.raises(UserError, match="is cut short: 78 bytes of 80"):
        open_windows(shards)
    shards[1].write_bytes(whole)
    assert open_windows(shards).count == 12
    assert read == [*shards, shards[1], shards[1]]


def test_nothing_half_written_stays_when_encoding_fails(tmp_path: Path) -> None:
    def documents():  # type: ignore[no-untyped-def]
        yield np.arange(3), 1, 1
        raise UserError("no more", remedy="none")

    with pytest.raises(UserError, match="no more"):
        write_store(documents(), 2, 100, "t", tmp_path / "train.bin")
    assert not list(tmp_path.iterdir())
