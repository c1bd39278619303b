"""Passages: the text that one vector stands for, and so one cluster; several windows of a document share one.

Of a few dozen tokens it is hard to say what they are about, and a small model's window has no more. So text is embedded
by passages of a length of their own (the paper's windows have 1,024 tokens and are both). A passage never straddles two
documents: one that is longer is divided into as few passages as it takes, of equal length but for one token. A window
lies wherever the stream is cut; it belongs to the passage that most of its inputs lie in, the first of equals:

    documents of 5, 3 and 1 tokens, passages of up to 4   ->   tokens 0 1 | 2 3 4 | 5 6 7 | 8
    windows 0 1 2 3 and 4 5 6 7                           ->   the passages 0 1 and 5 6 7

Passages that no window belongs to (2 3 4 and 8) are left out, as nobody asks for their cluster: there are never more
passages than windows, and what is fitted on passages is fitted on text that models see. A document shorter than a
passage is one by itself: nothing is added to it. In a domain's training text passages also end where a stated size of
it ends: what lies within its first 2,500 tokens is embedded by these alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.tokenizer import Tokenizer
from speclm.data.windows import Windows
from speclm.stage.errors import UserError

Array = np.ndarray[Any, Any]
_DECODED_TOGETHER = 1024  # passages: bounds memory, changes no result
_PLACED_TOGETHER = 1 << 16  # windows: likewise


@dataclass(frozen=True)
class Passages:
    """The P passages of one store's N windows.

    Attributes:
        begins, ends: of each passage in the stream of tokens, int64 (P,), in its order.
        of_windows: the passage of each window, int32 (N,).
    """

    begins: Array
    ends: Array
    of_windows: Array

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.begins)


def cut_passages(windows: Windows, length: int, sizes: Sequence[int] = ()) -> Passages:
    """The passages of a split in one store.

    Args:
        length: most tokens of a passage.
        sizes: stated sizes of the split, in tokens: a passage also ends where the windows of one do.

    Raises:
        UserError: a passage shorter than a window; a size that the split does not have.
    """
    context = windows.context
    if length < context:
        raise UserError(
            f"a passage shorter than a window: {length} tokens, and a window has {context}",
            where=windows.paths[0],
            key="embedder.passage",
            remedy=f"take {context} or more",
        )
    ends = [windows.first(size) * context for size in sizes]
    bounds_C = passage_bounds(np.union1d(windows.documents, np.array(ends, dtype=np.int64)), length)
    chosen_N = passage_of_windows(bounds_C, context, windows.count)
    another_N = np.diff(chosen_N, prepend=np.int32(-1)) > 0  # windows and their passages have one order
    used_P = chosen_N[another_N]
    return Passages(bounds_C[used_P], bounds_C[used_P + 1], np.cumsum(another_N, dtype=np.int32) - np.int32(1))


def passage_bounds(documents_D: Array, length: int) -> Array:
    """Where passages begin, and the last one's end, from where documents begin and the last one ends: int64."""
    tokens_D = np.diff(documents_D)
    parts_D = -(-tokens_D // length)
    document_C = np.repeat(np.arange(len(tokens_D)), parts_D)
    part_C = np.arange(len(document_C)) - np.repeat(np.cumsum(parts_D) - parts_D, parts_D)
    begins_C = documents_D[document_C] + part_C * tokens_D[document_C] // parts_D[document_C]
    return np.append(begins_C, documents_D[-1])


def passage_of_windows(bounds_C: Array, context: int, windows: int) -> Array:
    """The number of the passage that most inputs of each window lie in, the first of equals: int32 (windows,)."""
    found_N = np.empty(windows, dtype=np.int32)
    for first in range(0, windows, _PLACED_TOGETHER):
        last = min(first + _PLACED_TOGETHER, windows)
        starts_B = np.arange(first, last + 1) * context
        within = slice(*np.searchsorted(bounds_C, starts_B[[0, -1]]))
        # Cut wherever a passage or a window begins: each piece is of one window and one passage.
        pieces = np.union1d(bounds_C[within], starts_B)
        lengths, begins = np.diff(pieces), pieces[:-1]
        order = np.lexsort((-lengths, begins // context))  # stable: of equal pieces of a window the first stays first
        longest_B = begins[order[np.searchsorted(begins, starts_B[:-1])]]
        found_N[first:last] = np.searchsorted(bounds_C, longest_B, side="right") - 1
    return found_N


def passage_texts(windows: Windows, passages: Passages, numbers: Array, tokenizer: Tokenizer) -> Iterator[list[str]]:
    """The passages with these numbers as text, in blocks; special pieces give nothing."""
    stream = windows.tokens
    for start in range(0, len(numbers), _DECODED_TOGETHER):
        block = numbers[start : start + _DECODED_TOGETHER]
        bounds = zip(passages.begins[block].tolist(), passages.ends[block].tolist(), strict=True)
        yield tokenizer.decode([stream[begin:end].tolist() for begin, end in bounds], threads=1)


def windows_path(vectors: Path) -> Path:
    """Where the passage of each window lies, beside the vectors of the passages."""
    return vectors.with_suffix(".windows.npy")
