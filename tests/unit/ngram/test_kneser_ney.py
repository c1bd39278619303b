"""Interpolated modified Kneser-Ney: sums to one, closed forms of tiny texts, the same as with dictionaries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.ngram.kneser_ney import discounts, train_ngram
from unit.ngram.naive import NaiveKneserNey

VOCABULARY = 5
TEXTS = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=80)
HISTORIES = st.lists(st.integers(0, VOCABULARY - 1), max_size=7)


def test_the_example_of_the_module() -> None:
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 2, 1, 5])
    assert discounts(counts) == pytest.approx([0, 0.5, 1.25, 2])


@pytest.mark.parametrize("counts", [[1], [7, 8, 9], [1, 1, 2], [1, 2, 3, 3, 3]])
def test_counts_that_give_no_discounts_have_the_usual_ones(counts: list[int]) -> None:
    assert discounts(np.array(counts)).tolist() == [0, 0.5, 1, 1.5]


def test_one_token_is_as_likely_as_its_discount_leaves_it() -> None:
    table = train_ngram(np.array([1]), 4)  # seen once, D1 = 1/2: half is shared by all four
    assert table.distribution([]) == pytest.approx([1 / 8, 1 / 2 + 1 / 8, 1 / 8, 1 / 8])


def test_below_the_full_length_it_counts_what_goes_before() -> None:
    """0 1 0 1 0 2: 0 is seen after 1 alone, 1 after 0 alone, 2 after 0 alone, so each has a third of single tokens."""
    table = train_ngram(np.array([0, 1, 0, 1, 0, 2]), 3, order=2)
    assert table.distribution([]) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    # after 0: 1 twice (D2 = 1), 2 once (D1 = 1/2); the half that is held back goes by single tokens
    assert table.distribution([0]) == pytest.approx([1 / 6, 1 / 3 + 1 / 6, 1 / 6 + 1 / 6])
    assert table.distribution([2]) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


@given(TEXTS, HISTORIES, st.integers(1, 5))
def test_probabilities_sum_to_one_after_any_history(text: list[int], history: list[int], order: int) -> None:
    distribution = train_ngram(np.array(text), VOCABULARY, order).distribution(history)
    assert distribution.sum() == pytest.approx(1, abs=1e-6) and (distribution > 0).all()


@settings(max_examples=60, deadline=None)
@given(TEXTS, HISTORIES, st.integers(1, 5))
def test_it_is_what_the_books_write(text: list[int], history: list[int], order: int) -> None:
    naive = NaiveKneserNey(text, VOCABULARY, order)
    expected = [naive.probability(history, token) for token in range(VOCABULARY)]
    assert train_ngram(np.array(text), VOCABULARY, order).distribution(history) == pytest.approx(expected, abs=1e-6)


@given(TEXTS, TEXTS)
def test_a_stream_is_scored_as_token_after_token(text: list[int], other: list[int]) -> None:
    table = train_ngram(np.array(text), VOCABULARY)
    one_by_one = [table.distribution(other[:i])[other[i]] for i in range(1, len(other))]
    assert table.probabilities(np.array(other, dtype=np.uint16)).tolist() == pytest.approx(one_by_one, rel=1e-12)


def test_a_text_shorter_than_five_tokens_has_a_shorter_table() -> None:
    assert len(train_ngram(np.array([1, 2, 3]), VOCABULARY).levels) == 3
