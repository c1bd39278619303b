"""What a study's clusters are of and what SLM-is was drawn by, in words that stand beside what rests on them.

In: the configuration. Out: a sentence or two, as the choice of the embedder can turn an order of methods round.

    embedder.kind lsi, embedder.passage 512, models.slm_is.histogram_tokens 2500   ->
    "Clusters: passages of up to 512 tokens, embedded by lsi. SLM-is: drawn by the first 2,500 tokens of a domain."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def clusters_in_words(chosen: Mapping[str, Any]) -> str:
    """What SLM-mix, SLM-pn and SLM-is rest on.

    Args:
        chosen: the configuration's keys "embedder", "models" and "context"; studies of before passages were told apart
            from windows clustered these, and drew SLM-is by all text.
    """
    return f"Clusters: {embedded(chosen)}. SLM-is: {drawn(chosen)}."


def embedded(chosen: Mapping[str, Any]) -> str:
    """What the clusters are of."""
    embedder = chosen["embedder"]
    return f"passages of up to {embedder.get('passage', chosen['context']):,} tokens, embedded by {embedder['kind']}"


def drawn(chosen: Mapping[str, Any]) -> str:
    """What text of a domain decides which generic text SLM-is sees."""
    tokens = chosen["models"]["slm_is"].get("histogram_tokens")
    return "drawn by " + ("all training text" if tokens is None else f"the first {tokens:,} tokens") + " of a domain"
