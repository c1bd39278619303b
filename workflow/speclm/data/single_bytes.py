"""How foreign a text is to the tokenizer: the share of its tokens that are one byte of characters that are no piece.

In: the facts of a split's stores (.bin.json), counted while the split was encoded.

    300 Cyrillic letters, 600 bytes, and the bos of their document, read by a tokenizer of English:   600 / 601 = 0.998
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

STRANGE = 0.1  # from here on a text counts as foreign


def byte_share(stores: Sequence[Mapping[str, Any]]) -> float:
    """Share of single bytes among the tokens of all stores."""
    return float(sum(store["single_bytes"] for store in stores) / sum(store["tokens"] for store in stores))
