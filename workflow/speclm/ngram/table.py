"""The table of a 5-gram: what is stored of it, and the probabilities it gives.

An n-gram that the table holds has its probability. One that it does not hold has that of its last n - 1 tokens, times
the back-off weight of its context; of a context that the table does not hold either, the weight is 1:

    p(c | a b) = P(a b c)                   if the table holds a b c
                 B(a b) x p(c | b)          else

On a disk it is a trie: an n-gram is its last token, a probability, a back-off weight and the place of its first
continuation (the last two only below the full length). Numbers are float32, as the weights of a network are.

    vocabulary 512, 4,000 bigrams of a table of trigrams: 4,000 x (2 + 4 + 4 + 4) bytes

Shapes: S tokens, N n-grams of a level, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = np.ndarray[Any, Any]
_NUMBER = 4  # bytes of a probability, of a back-off weight and of a place


class Level(NamedTuple):
    """The n-grams of one length that a table holds.

    Attributes:
        keys: int64 (N,), ascending (counts.py).
        probabilities: float32 (N,), of the last token after the others.
        backoffs: float32 (N,), of the n-gram as a context; 1 where nothing follows it.
    """

    keys: Array
    probabilities: Array
    backoffs: Array


@dataclass(frozen=True)
class Table:
    """A 5-gram that can be asked. `levels`: by length, the first with every token of the vocabulary."""

    vocabulary: int
    levels: Sequence[Level]

    @property
    def ngrams(self) -> int:
        """How many n-grams of all lengths it holds."""
        return sum(len(level.keys) for level in self.levels)

    @property
    def bytes(self) -> int:
        """What it takes on a disk."""
        sizes = entry_bytes(self.vocabulary, len(self.levels))
        return sum(size * len(level.keys) for size, level in zip(sizes, self.levels, strict=True))

    def probabilities(self, tokens_S: Array) -> NDArray[np.float64]:
        """Of every token of a stream but its first, after those before it: float64 (S - 1,)."""
        tokens_S = tokens_S.astype(np.int64)
        first, *longer = self.levels
        p_S: NDArray[np.float64] = first.probabilities[tokens_S].astype(np.float64)
        below, numbers_S = first, tokens_S
        for level in longer:
            contexts_S = np.concatenate([[-1], numbers_S[:-1]])
            p_S *= np.where(contexts_S < 0, 1, below.backoffs[contexts_S])
            numbers_S = _find(level.keys, contexts_S, tokens_S, self.vocabulary)
            held = numbers_S >= 0
            p_S[held] = level.probabilities[numbers_S[held]]
            below = level
        return p_S[1:]

    def distribution(self, history: Sequence[int]) -> NDArray[np.float64]:
        """Of every token after a history, of which the last tokens count: float64 (V,), summing to 1."""
        first, *longer = self.levels
        p_V = first.probabilities.astype(np.float64)
        below = first
        for length, level in enumerate(longer, start=1):
            context = self._number(history[-length:]) if length <= len(history) else -1
            if context >= 0:
                start, stop = np.searchsorted(level.keys, (context * self.vocabulary, (context + 1) * self.vocabulary))
                p_V *= below.backoffs[context]
                p_V[level.keys[start:stop] - context * self.vocabulary] = level.probabilities[start:stop]
            below = level
        return p_V

    def _number(self, tokens: Sequence[int]) -> int:
        """The number of an n-gram in its level; -1 where the table does not hold it."""
        number = int(tokens[0])
        for token, level in zip(tokens[1:], self.levels[1:], strict=False):
            key = number * self.vocabulary + int(token)
            place = int(np.searchsorted(level.keys, key))
            if place == len(level.keys) or level.keys[place] != key:
                return -1
            number = place
        return number


@dataclass(frozen=True)
class WholeTable(Table):
    """A table with every suffix of what it holds, and with what pruning and mixing ask for, by level.

    Attributes:
        suffixes: int32 (N,), as of `Counted`. shares: float32 (N,), how often each n-gram is seen, by all places.
    """

    suffixes: Sequence[Array]
    shares: Sequence[Array]


def entry_bytes(vocabulary: int, order: int) -> list[int]:
    """What one n-gram of each length takes; the first level is in the order of its tokens, and names none."""
    token = 2 if vocabulary <= 1 << 16 else 4
    middle = [token + 3 * _NUMBER] * (order - 2)
    return [3 * _NUMBER, *middle, token + _NUMBER][:order]


def _find(keys_N: Array, contexts_S: Array, tokens_S: Array, vocabulary: int) -> Array:
    """The numbers of n-grams by the numbers of their contexts and their last tokens; -1 where there is none."""
    keys_S = contexts_S * vocabulary + tokens_S
    places_S = np.minimum(np.searchsorted(keys_N, keys_S), len(keys_N) - 1)
    return np.where((contexts_S >= 0) & (keys_N[places_S] == keys_S), places_S, -1) if len(keys_N) else -1 + 0 * keys_S
