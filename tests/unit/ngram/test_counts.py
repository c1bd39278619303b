"""Counting, against closed forms and against a dictionary."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from speclm.ngram.counts import count_ngrams

TEXTS = st.lists(st.integers(0, 4), min_size=1, max_size=60)


def test_the_example_of_the_module() -> None:
    one, two = count_ngrams(np.array([1, 2, 1, 2]), 3, 2)
    assert one.keys.tolist() == [0, 1, 2] and one.counts.tolist() == [0, 2, 2]
    assert two.keys.tolist() == [5, 7] and two.counts.tolist() == [2, 1]
    assert two.suffixes.tolist() == [2, 1]


@given(TEXTS, st.integers(1, 5))
def test_levels_hold_every_ngram_with_its_count_and_suffix(text: list[int], order: int) -> None:
    levels = count_ngrams(np.array(text), 5, order)
    assert len(levels) == min(order, len(text))
    spelled = [[(token,) for token in range(5)]]
    for length, level in enumerate(levels[1:], start=2):
        below = spelled[-1]
        spelled.append([(*below[key // 5], int(key % 5)) for key in level.keys])
        expected = Counter(tuple(text[i : i + length]) for i in range(len(text) - length + 1))
        assert dict(zip(spelled[-1], level.counts.tolist(), strict=True)) == expected
        assert [below[number] for number in level.suffixes] == [gram[1:] for gram in spelled[-1]]
        assert (np.diff(level.keys) > 0).all()


def test_a_large_vocabulary_needs_no_room_for_five_tokens_in_one_key() -> None:
    largest = 250_000  # five of them are 90 bits
    text = np.array([largest - 1, 0, largest - 1, 0, largest - 1, 0], dtype=np.uint32)
    levels = count_ngrams(text, largest, 5)
    assert [len(level.keys) for level in levels] == [largest, 2, 2, 2, 2]
    assert levels[-1].counts.tolist() == [1, 1]
