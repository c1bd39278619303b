"""Pruning: what fits is held, probabilities sum to one, and what matters most stays."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.pruning import prune
from speclm.ngram.table import Table, WholeTable

Array = np.ndarray[Any, Any]
VOCABULARY = 5
TEXTS = st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=80)
HISTORIES = st.lists(st.integers(0, VOCABULARY - 1), max_size=7)
UNIGRAMS = 12 * VOCABULARY


@given(TEXTS, st.integers(UNIGRAMS, UNIGRAMS + 600), HISTORIES)
def test_it_fits_and_sums_to_one(text: list[int], room: int, history: list[int]) -> None:
    table = prune(train_ngram(np.array(text), VOCABULARY), room)
    assert table.bytes <= room
    distribution = table.distribution(history)
    assert distribution.sum() == pytest.approx(1, abs=1e-5) and (distribution > 0).all()


@given(TEXTS, st.integers(UNIGRAMS, UNIGRAMS + 600))
def test_what_is_held_has_its_prefix_and_keeps_its_probability(text: list[int], room: int) -> None:
    whole = _by_name(train_ngram(np.array(text), VOCABULARY))
    held = _by_name(prune(train_ngram(np.array(text), VOCABULARY), room))
    assert all(held[name] == whole[name] for name in held)
    assert all(name[:-1] in held for name in held if len(name) > 1)


@given(TEXTS)
def test_with_room_for_all_nothing_changes(text: list[int]) -> None:
    table = train_ngram(np.array(text), VOCABULARY)
    same = prune(table, table.bytes)
    assert same.probabilities(np.array(text)) == pytest.approx(table.probabilities(np.array(text)), rel=1e-5)


def test_the_loss_is_the_relative_entropy() -> None:
    """With room for all bigrams but one, the one is left whose absence moves the text's distribution least."""
    text = np.random.default_rng(3).choice(4, size=300, p=[0.4, 0.3, 0.2, 0.1])
    whole = train_ngram(text, VOCABULARY, order=2)  # one token is never seen: no context holds all
    pruned = prune(whole, whole.bytes - 1)
    absent = set(_by_name(whole)) - set(_by_name(pruned))
    moved = {name: _entropy(whole, _without(whole, name)) for name in _by_name(whole) if len(name) == 2}
    assert absent == {min(moved, key=moved.__getitem__)}


def test_without_room_the_single_tokens_are_left() -> None:
    text = np.array([0, 1, 2, 0, 1, 3])
    assert prune(train_ngram(text, VOCABULARY), 0).ngrams == VOCABULARY


def _by_name(table: Table) -> dict[tuple[int, ...], float]:
    names, found = [()], {}
    for level in table.levels:
        names = [(*names[key // table.vocabulary], int(key % table.vocabulary)) for key in level.keys]
        found |= dict(zip(names, level.probabilities.tolist(), strict=True))
    return found


def _without(table: WholeTable, name: tuple[int, ...]) -> dict[int, Array]:
    """The distributions after each context where one bigram is left out, straight from the definition."""
    single = table.distribution([])
    after = {context: table.distribution([context]) for context in range(table.vocabulary)}
    context, token = name
    held = [key % table.vocabulary for key in table.levels[1].keys if key // table.vocabulary == context]
    held.remove(token)
    weight = (1 - after[context][held].sum()) / (1 - single[held].sum())
    after[context] = np.array([after[context][t] if t in held else weight * single[t] for t in range(table.vocabulary)])
    return after


def _entropy(table: WholeTable, after: dict[int, Array]) -> float:
    return sum(
        float(share * np.sum(p * np.log(p / after[context])))
        for context, share in enumerate(table.shares[0])
        for p in [table.distribution([context])]
    )
