"""Mixing a domain's table with the generic text's: the weight, and the one table of both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.mixing import best_weight, mix

VOCABULARY = 5
TEXTS = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=60)
HISTORIES = st.lists(st.integers(0, VOCABULARY - 1), max_size=7)
WEIGHTS = st.floats(0.01, 0.99)


def test_the_example_of_the_module() -> None:
    assert best_weight(np.array([0.5, 0.1]), np.array([0.2, 0.2])) == pytest.approx(2 / 3, abs=1e-3)


@given(st.lists(st.tuples(st.floats(1e-4, 1), st.floats(1e-4, 1)), min_size=1, max_size=30))
def test_no_other_weight_makes_the_text_likelier(pairs: list[tuple[float, float]]) -> None:
    domain, generic = np.array(pairs).T
    weight = best_weight(domain, generic)
    likelihoods = [np.log(w * domain + (1 - w) * generic).mean() for w in (weight, *np.linspace(0.001, 0.999, 50))]
    assert likelihoods[0] >= max(likelihoods) - 1e-3


@given(TEXTS, TEXTS, WEIGHTS, HISTORIES)
def test_the_table_of_both_sums_to_one(one: list[int], other: list[int], weight: float, history: list[int]) -> None:
    table = mix(train_ngram(np.array(one), VOCABULARY), train_ngram(np.array(other), VOCABULARY), weight)
    distribution = table.distribution(history)
    assert distribution.sum() == pytest.approx(1, abs=1e-5) and (distribution > 0).all()


@given(TEXTS, TEXTS, WEIGHTS)
def test_what_either_holds_has_the_mixed_probability(one: list[int], other: list[int], weight: float) -> None:
    domain, generic = train_ngram(np.array(one), VOCABULARY), train_ngram(np.array(other), VOCABULARY)
    both = mix(domain, generic, weight)
    for text in (one, other):  # every n-gram of either text is one that the table of both holds
        text_S = np.array(text)
        expected = weight * domain.probabilities(text_S) + (1 - weight) * generic.probabilities(text_S)
        assert both.probabilities(text_S) == pytest.approx(expected, rel=1e-5)


@given(TEXTS, WEIGHTS)
def test_a_table_mixed_with_itself_is_itself(text: list[int], weight: float) -> None:
    table = train_ngram(np.array(text), VOCABULARY)
    both = mix(table, table, weight)
    assert [level.keys.tolist() for level in both.levels] == [level.keys.tolist() for level in table.levels]
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(both.shares, table.shares, strict=True))
    for level, same in zip(both.levels, table.levels, strict=True):
        assert level.probabilities == pytest.approx(same.probabilities, rel=1e-5)
