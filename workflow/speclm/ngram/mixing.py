"""Mixing: the 5-gram of a domain's few tokens with that of the generic text, weighed on validation documents.

    p(w | h) = weight x p of the domain's + (1 - weight) x p of the generic text's

Two tables that are both asked give this, and are weighed so. What is served is one table of both: every n-gram of
either with its mixed probability, and back-off weights that fit.

    validation tokens that the domain's table gives 0.5 and 0.1, the generic one 0.2 and 0.2: the weight 2/3

Shapes: S tokens, N n-grams of a level of both, D and G of a level of either.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from speclm.ngram.pruning import normalised
from speclm.ngram.table import Level, WholeTable

Array = np.ndarray[Any, Any]
_ROUNDS = 200
_CLOSE = 1e-6


def best_weight(domain_S: Array, generic_S: Array) -> float:
    """The weight of the domain's table under which a text is likeliest, by expectation maximisation.

    Args:
        domain_S, generic_S: the probabilities that the two give the text's tokens.
    """
    weight = 0.5
    for _ in range(_ROUNDS):
        before = weight
        weight = float(np.mean(weight * domain_S / (weight * domain_S + (1 - weight) * generic_S)))
        if abs(weight - before) < _CLOSE:
            break
    return weight


def mix(domain: WholeTable, generic: WholeTable, weight: float) -> WholeTable:
    """One table of both, the domain's with this weight."""
    assert domain.vocabulary == generic.vocabulary
    of_domain, of_generic = _Side(domain), _Side(generic)
    levels, suffixes, shares = [], [], []
    for number in range(max(len(domain.levels), len(generic.levels))):
        keys_N, places_D, places_G = _merge(of_domain.keys(number), of_generic.keys(number))
        suffixes_N = np.zeros(len(keys_N), np.int32)
        suffixes_N[places_G] = of_generic.suffixes(number)
        suffixes_N[places_D] = of_domain.suffixes(number)
        p_D, shares_D = of_domain.climb(number, places_D, keys_N, suffixes_N)
        p_G, shares_G = of_generic.climb(number, places_G, keys_N, suffixes_N)
        mixed_N = weight * p_D + (1 - weight) * p_G
        levels.append(Level(keys_N, mixed_N.astype(np.float32), np.ones(len(keys_N), np.float32)))
        suffixes.append(suffixes_N)
        shares.append((weight * shares_D + (1 - weight) * shares_G).astype(np.float32))
    both = WholeTable(generic.vocabulary, levels, suffixes, shares)
    return normalised(both, [np.full(len(share_N), True) for share_N in shares])


def _merge(few_D: Array, many_G: Array) -> tuple[Array, Array, Array]:
    """The keys of both, ascending, and where those of each lie among them: quick where one has far fewer."""
    before_D = np.searchsorted(many_G, few_D)
    new_D = np.append(many_G, -1)[before_D] != few_D
    keys_N = np.insert(many_G, before_D[new_D], few_D[new_D])
    places_new = before_D[new_D] + np.arange(np.count_nonzero(new_D))
    old_N = np.full(len(keys_N), True)
    old_N[places_new] = False
    places_G = np.flatnonzero(old_N)
    places_D = np.empty(len(few_D), np.int64)
    places_D[new_D], places_D[~new_D] = places_new, places_G[before_D[~new_D]]
    return keys_N, places_D, places_G


class _Side:
    """One of the two tables, on the way up its levels: of the level below, where its n-grams lie among both tables'
    (`_places`), and of all of those what this table gives them (`_value_N`) and their weight as contexts.
    """

    def __init__(self, table: WholeTable) -> None:
        self._table = table
        self._places, self._value_N, self._backoffs_N = np.zeros(1, np.int64), np.ones(1), np.ones(1)

    def keys(self, number: int) -> Array:
        """The keys of its n-grams among both tables'."""
        vocabulary, own = self._table.vocabulary, self._level(number).keys
        keys: Array = self._places[own // vocabulary] * vocabulary + own % vocabulary
        return keys

    def suffixes(self, number: int) -> Array:
        """Their suffixes among both tables'."""
        return self._places[self._table.suffixes[number]] if number < len(self._table.levels) else self._places[:0]

    def climb(self, number: int, places: Array, keys_N: Array, suffixes_N: Array) -> tuple[Array, Array]:
        """Of both tables' n-grams what this one gives them, and how often it saw them; the next level is next.

        Args:
            places: where its own lie among them.
        """
        level = self._level(number)
        value_N = self._backoffs_N[keys_N // self._table.vocabulary] * self._value_N[suffixes_N]
        value_N[places] = level.probabilities
        backoffs_N, shares_N = np.ones(len(keys_N)), np.zeros(len(keys_N))
        backoffs_N[places] = level.backoffs
        if number < len(self._table.levels):
            shares_N[places] = self._table.shares[number]
        self._places, self._value_N, self._backoffs_N = places, value_N, backoffs_N
        return value_N, shares_N

    def _level(self, number: int) -> Level:
        """Its level; an empty one where its text was too short."""
        nothing = np.empty(0, np.float32)
        levels = self._table.levels
        return levels[number] if number < len(levels) else Level(np.empty(0, np.int64), nothing, nothing)
