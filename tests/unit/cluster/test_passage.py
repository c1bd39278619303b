"""Passages against looking at every token: none straddles a document, and a window has the one it lies in most."""

from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.cluster import passage
from speclm.cluster.passage import Passages, cut_passages
from speclm.data.windows import Windows, open_windows, write_store
from speclm.stage.errors import UserError

lengths = st.lists(st.integers(1, 40), min_size=1, max_size=9).filter(lambda tokens: sum(tokens) > 8)
contexts = st.integers(1, 7)
longer = st.integers(0, 20)


def store_of(folder: Path, documents: list[int], context: int) -> Windows:
    """Documents of so many tokens, which are numbered through."""
    ends = np.cumsum([0, *documents])
    write_store(
        [(np.arange(a, b), b - a, b - a) for a, b in pairwise(ends)], context, 5_000, "tokenizer", folder / "train.bin"
    )
    return open_windows(folder / "train.bin")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stores")


def passages_of(folder: Path, documents: list[int], context: int, length: int, sizes: tuple[int, ...] = ()) -> Passages:
    return cut_passages(store_of(folder, documents, context), length, sizes)


def bounds_of(documents: list[int], length: int) -> list[int]:
    """Where the parts of the documents begin, and the last one ends."""
    bounds = [0]
    for tokens in documents:
        parts, begin = -(-tokens // length), bounds[-1]
        bounds += [begin + tokens * part // parts for part in range(1, parts + 1)]
    return bounds


def test_the_example_of_the_module(tmp_path: Path) -> None:
    found = passages_of(tmp_path, [5, 3, 1], 4, 4)
    assert found.begins.tolist() == [0, 5] and found.ends.tolist() == [2, 8]
    assert found.of_windows.tolist() == [0, 1]


@given(lengths, contexts, longer)
@settings(deadline=None, max_examples=80)
def test_passages_divide_documents_into_equal_parts(
    folder: Path, documents: list[int], context: int, more: int
) -> None:
    length = context + more
    windows = store_of(folder, documents, context)
    found = cut_passages(windows, length)
    parts = list(zip(found.begins.tolist(), found.ends.tolist(), strict=True))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(parts))  # in order, and none twice
    for begin, end in parts:
        first, last = windows.document_of(np.array([begin, end - 1]))
        assert first == last and 0 < end - begin <= length
        tokens = documents[first]
        count = -(-tokens // length)
        assert end - begin in (tokens // count, -(-tokens // count))


@pytest.mark.parametrize("together", [1, 3, 1 << 16])
@given(lengths, contexts, longer)
@settings(deadline=None, max_examples=80)
def test_a_window_belongs_to_the_passage_that_most_of_it_lies_in(
    folder: Path, together: int, documents: list[int], context: int, more: int
) -> None:
    windows = store_of(folder, documents, context)
    with patch.object(passage, "_PLACED_TOGETHER", together):
        found = cut_passages(windows, context + more)
    cuts = bounds_of(documents, context + more)
    of_token = np.repeat(np.arange(len(cuts) - 1), np.diff(cuts))
    assert found.of_windows.dtype == np.int32 and len(found.of_windows) == windows.count
    for window, number in enumerate(found.of_windows.tolist()):
        inputs = of_token[window * context : (window + 1) * context]
        most = np.bincount(inputs).argmax()  # the first of equals
        assert (found.begins[number], found.ends[number]) == (cuts[most], cuts[most + 1])


@given(lengths, contexts, longer)
@settings(deadline=None, max_examples=40)
def test_every_passage_has_a_window(folder: Path, documents: list[int], context: int, more: int) -> None:
    found = passages_of(folder, documents, context, context + more)
    assert sorted(set(found.of_windows.tolist())) == list(range(found.count))


@given(lengths, contexts, longer, st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_what_lies_within_a_stated_size_is_embedded_by_it_alone(
    folder: Path, documents: list[int], context: int, more: int, place: int
) -> None:
    windows = store_of(folder, documents, context)
    size = context + place % (windows.count * context - context + 1)
    found, inside = cut_passages(windows, context + more, [size]), windows.first(size)
    end = inside * context
    assert all(found.ends[found.of_windows[:inside]] <= end)
    assert all(found.begins[found.of_windows[inside:]] >= end)


def test_of_one_long_document_windows_share_passages(tmp_path: Path) -> None:
    found = passages_of(tmp_path, [65], 4, 16)  # 13 tokens each
    assert (found.ends - found.begins).tolist() == [13] * 5
    assert found.of_windows.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


def test_a_passage_shorter_than_a_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"embedder\.passage: a passage shorter than a window: 7 tokens") as caught:
        passages_of(tmp_path, [30], 8, 7)
    assert "Remedy: take 8 or more" in str(caught.value)


def test_a_size_that_the_text_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"specialize\.sizes: 40 tokens asked for; the split has 24"):
        passages_of(tmp_path, [30], 8, 16, (8, 40))
