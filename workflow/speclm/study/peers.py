"""Peers: what is measured beside the paper's methods and is none of them. Today the 5-grams of ngram/peer.py.

plan.peers of a study that names "ngram": Method("ngram", "n-gram", …), without pretraining, measured at budget 0
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Peer(NamedTuple):
    """`generic`: it has a table of the generic text alone, which is measured there and before any domain."""

    label: str
    generic: bool
    description: str


PEERS: Mapping[str, Peer] = {
    "ngram": Peer("n-gram", True, "Kneser-Ney 5-gram of the generic text and the domain's"),
    "ngram_small": Peer("n-gram-s", True, "the same 5-gram, pruned to the bytes of the SLM's weights"),
    "ngram_domain": Peer("n-gram-d", False, "5-gram of the domain's text alone"),
}
