"""Pruning: the n-grams of a table that matter most, as many as fit (Stolcke 1998).

An n-gram matters by how far the table moves without it: the relative entropy of what follows its context, by how often
the context is seen. Its probability p becomes B' q, where q is that of its last n - 1 tokens and B' the context's
back-off weight without it:

    B' = (rest + p) / (rest of q + q)          loss = share(context) x (p log(p / B' q) + rest log(B / B'))

Each loss is of one n-gram alone. What is kept keeps its probability; back-off weights are made anew, so that
probabilities sum to one again. The prefix of what is kept is kept. Shares are of occurrences, not of the table's own
probabilities, which do not fit Kneser-Ney's counts (Chelba and others 2010).

    contexts never seen lose nothing; with p = B' q, the same as without it, nothing is lost either

Shapes: N n-grams of a level, C of the level below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from speclm.ngram.table import Level, Table, WholeTable, entry_bytes

Array = np.ndarray[Any, Any]
_LEAST = 1e-9  # of a probability that is left over, where rounding leaves none


def prune(table: WholeTable, most_bytes: int) -> Table:
    """The n-grams whose loss is greatest, as many as `most_bytes` hold; single tokens always stay."""
    losses = _losses(table)
    if not losses:
        return table
    sizes = entry_bytes(table.vocabulary, len(table.levels))
    room = max(0, most_bytes - sizes[0] * table.vocabulary)
    kept = _heaviest(np.concatenate(losses), np.repeat(sizes[1:], [len(loss_N) for loss_N in losses]), room)
    bounds = np.cumsum([len(loss_N) for loss_N in losses])[:-1]
    return _without(normalised(table, [np.ones(table.vocabulary, bool), *np.split(kept, bounds)]), kept, bounds)


def normalised(table: WholeTable, kept: Sequence[Array]) -> WholeTable:
    """The table with the back-off weights that fit its probabilities where only `kept` n-grams are held.

    Args:
        kept: by level, bool (N,); of level 1 all.
    """
    levels = [table.levels[0]]
    value = table.levels[0].probabilities.astype(np.float64)  # of every n-gram, held or not
    for number in range(1, len(table.levels)):
        level = table.levels[number]
        contexts_N, held_N = level.keys // table.vocabulary, kept[number]
        lower_N = value[table.suffixes[number]]
        backoffs_C = _rest(level.probabilities, contexts_N, held_N, len(value)) / _rest(
            lower_N, contexts_N, held_N, len(value)
        )
        backoffs_C = np.where(kept[number - 1], backoffs_C, 1)
        levels[-1] = levels[-1]._replace(backoffs=backoffs_C.astype(np.float32))
        value = np.where(held_N, level.probabilities, backoffs_C[contexts_N] * lower_N)
        levels.append(level)
    return WholeTable(table.vocabulary, levels, table.suffixes, table.shares)


def _losses(table: WholeTable) -> list[Array]:
    """What is lost without each n-gram or what it is a prefix of, whichever is more: of levels 2 and up, (N,) each."""
    losses: list[Array] = []
    for number in range(1, len(table.levels)):
        below, level = table.levels[number - 1], table.levels[number]
        contexts_N = level.keys // table.vocabulary
        p_N = level.probabilities.astype(np.float64)
        q_N = below.probabilities[table.suffixes[number]].astype(np.float64)
        rest_C = _rest(p_N, contexts_N, None, len(below.keys))
        rest_q_C = _rest(q_N, contexts_N, None, len(below.keys))
        rest_N, rest_q_N = rest_C[contexts_N], rest_q_C[contexts_N]
        without_N = (rest_N + p_N) / (rest_q_N + q_N)
        moved_N = p_N * np.log(p_N / (without_N * q_N)) + rest_N * np.log(rest_N / rest_q_N / without_N)
        losses.append(table.shares[number - 1][contexts_N] * moved_N)
    for number in range(len(losses) - 1, 0, -1):
        np.maximum.at(losses[number - 1], table.levels[number + 1].keys // table.vocabulary, losses[number])
    return losses


def _heaviest(losses_N: Array, bytes_N: Array, room: int) -> Array:
    """Which n-grams are kept, bool (N,): from the greatest loss down as far as there is room.

    Of equal losses the shorter n-gram comes first: a prefix, whose loss is no less, before what it is a prefix of.
    """
    at_most = min(room // int(bytes_N.min()), len(losses_N))
    kept_N = np.full(len(losses_N), False)
    if at_most:
        chosen = np.flatnonzero(losses_N >= np.partition(losses_N, -at_most)[-at_most])
        order = chosen[np.argsort(-losses_N[chosen], kind="stable")]
        kept_N[order[np.cumsum(bytes_N[order]) <= room]] = True
    return kept_N


def _rest(p_N: Array, contexts_N: Array, held_N: Array | None, contexts: int) -> Array:
    """What probabilities leave over after each context, to what is not held: float64 (C,)."""
    weights_N = p_N if held_N is None else np.where(held_N, p_N, 0)
    return np.maximum(1 - np.bincount(contexts_N, weights=weights_N, minlength=contexts), _LEAST)


def _without(table: WholeTable, kept: Array, bounds: Array) -> Table:
    """The table of the kept n-grams alone."""
    levels = [table.levels[0]]
    numbers = np.arange(table.vocabulary)  # of each n-gram of the level below, among those kept
    for level, kept_N in zip(table.levels[1:], np.split(kept, bounds), strict=True):
        keys_N = level.keys[kept_N]
        contexts_N = keys_N // table.vocabulary
        levels.append(
            Level(
                numbers[contexts_N] * table.vocabulary + keys_N - contexts_N * table.vocabulary,
                level.probabilities[kept_N],
                level.backoffs[kept_N],
            )
        )
        numbers = np.cumsum(kept_N) - 1
    return Table(table.vocabulary, levels)
