"""Counting: the n-grams of a text, from one token up to five, as a tree.

A stream of tokens comes in as the store holds it, documents one after the other, each behind its bos. The n-grams of
length n come out as level n, in the order of their keys. A key is (number of the first n - 1 tokens in the level below)
x vocabulary + last token, so that a level of any vocabulary sorts as whole numbers, and the n-grams that follow one
context lie side by side.

    tokens 1 2 1 2, vocabulary 3    level 1: 0 1 2, seen 0, 2, 2 times    level 2: (1 2) seen twice, (2 1) once
                                    keys 1 x 3 + 2 = 5 and 2 x 3 + 1 = 7

Shapes: S tokens, N n-grams of a level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
LARGEST = 1 << 31  # n-grams of a level, so that their numbers fit 32 bits and their keys 63


class Counted(NamedTuple):
    """The n-grams of one length.

    Attributes:
        keys: int64 (N,), ascending.
        suffixes: int32 (N,), the number in the level below of each n-gram without its first token.
        counts: int64 (N,), how often each was seen.
    """

    keys: Array
    suffixes: Array
    counts: Array


def count_ngrams(tokens_S: Array, vocabulary: int, order: int) -> list[Counted]:
    """The levels 1 to `order`; fewer where the text is shorter than that. Level 1 has every token of the vocabulary."""
    assert 0 < len(tokens_S) < LARGEST and vocabulary <= 1 << 31
    tokens_S = tokens_S.astype(np.int64)
    seen_V = np.bincount(tokens_S, minlength=vocabulary)
    levels = [Counted(np.arange(vocabulary), np.zeros(vocabulary, np.int32), seen_V)]
    numbers = tokens_S  # of the n-gram that begins at each place of the text
    for length in range(2, min(order, len(tokens_S)) + 1):
        keys = numbers[:-1] * vocabulary + tokens_S[length - 1 :]
        keys_N, places, counts_N = np.unique(keys, return_inverse=True, return_counts=True)
        suffixes_N = np.empty(len(keys_N), np.int32)
        suffixes_N[places] = numbers[1:]
        levels.append(Counted(keys_N, suffixes_N, counts_N))
        numbers = places
    return levels
