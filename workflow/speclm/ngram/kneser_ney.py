"""Interpolated modified Kneser-Ney: from counts to a table (Chen and Goodman 1998, section 3).

    P(w | h) = (c(h w) - D(c)) / C(h) + B(h) P(w | h without its first token)

with C(h) the sum of c over all w, B(h) the sum of D over all w, by C(h), and 1/vocabulary below the single tokens. At
the full length c is how often an n-gram was seen; below it, after how many different tokens. D is 0, D1, D2 or D3+ for
c = 0, 1, 2, 3 and more, from how many n-grams of the level have c = 1, 2, 3, 4.

    n1 = 8, n2 = 4, n3 = 2, n4 = 1:  Y = 8/16;  D1 = 1 - 2Y 4/8 = 0.5;  D2 = 2 - 3Y 2/4 = 1.25;  D3+ = 3 - 4Y 1/2 = 2

Shapes: S tokens, N n-grams of a level.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from speclm.ngram.counts import Counted, count_ngrams
from speclm.ngram.table import Level, WholeTable

Array = np.ndarray[Any, Any]
ORDER = 5
_USUAL = np.array([0, 0.5, 1, 1.5])  # of counts that no discounts can be had from, as KenLM has it


def train_ngram(tokens_S: Array, vocabulary: int, order: int = ORDER) -> WholeTable:
    """The table of a text: of single tokens up to `order` of them, or up to all where there are fewer."""
    counted = count_ngrams(tokens_S, vocabulary, order)
    adjusted = _adjusted_counts(counted)
    levels: list[Level] = []
    below = np.array([1 / vocabulary])  # of every n-gram of the level below: the probability of its last token
    for level, counts_N in zip(counted, adjusted, strict=True):
        probabilities_N, backoffs = _interpolate(level, counts_N, below, vocabulary)
        if levels:
            levels[-1] = levels[-1]._replace(backoffs=backoffs.astype(np.float32))
        levels.append(Level(level.keys, probabilities_N.astype(np.float32), np.ones(len(counts_N), np.float32)))
        below = probabilities_N
    return WholeTable(
        vocabulary,
        levels,
        suffixes=[level.suffixes for level in counted],
        shares=[(level.counts / len(tokens_S)).astype(np.float32) for level in counted],
    )


def discounts(counts_N: Array) -> Array:
    """What is taken off counts of 0, 1, 2, and 3 and more: (4,)."""
    n1, n2, n3, n4 = (int(np.count_nonzero(counts_N == count)) for count in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return _USUAL
    y = n1 / (n1 + 2 * n2)
    found = np.array([0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3])
    return found if (found[1:] > 0).all() else _USUAL


def _adjusted_counts(counted: Sequence[Counted]) -> list[Array]:
    """Of the longest n-grams how often each was seen; of the others after how many different tokens."""
    followed = [np.bincount(longer.suffixes, minlength=len(level.keys)) for level, longer in pairwise(counted)]
    return [*followed, counted[-1].counts]


def _interpolate(level: Counted, counts_N: Array, below: Array, vocabulary: int) -> tuple[Array, Array]:
    """Of a level's n-grams the probabilities, and of its contexts (those of the level below) the back-off weights."""
    contexts_N = level.keys // vocabulary
    taken_N = discounts(counts_N)[np.minimum(counts_N, 3)]
    totals = np.bincount(contexts_N, weights=counts_N, minlength=len(below))
    # what was only seen where the text begins follows nothing: such a context leaves all to the level below
    backoffs = np.where(totals > 0, np.bincount(contexts_N, taken_N, minlength=len(below)) / np.maximum(totals, 1), 1)
    seen_N = (counts_N - taken_N) / np.maximum(totals, 1)[contexts_N]
    return seen_N + backoffs[contexts_N] * below[level.suffixes], backoffs
