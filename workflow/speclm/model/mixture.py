"""Bookkeeping of the hard mixture (SLM-mix): k independent plain transformers, one per cluster.

The number of experts goes in, the names of their pretrainings come out. A window trains the expert of its cluster
alone. The mixture is the projected network with h = m = k, E and M the identity, and nothing shared (paper, section
"Projected network"); its parameters are size.mixture_parameter_count.

Example: expert_parts(2) = ("expert0", "expert1").
"""

from __future__ import annotations


def expert_parts(experts: int) -> tuple[str, ...]:
    """Names of the experts' pretrainings, as they stand in paths; expert i is that of cluster i."""
    return tuple(f"expert{expert}" for expert in range(experts))
