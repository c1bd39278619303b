"""Bookkeeping of the hard mixture (SLM-mix): k independent plain transformers, one per cluster.

The number of experts goes in, the names of their pretrainings come out. A window trains the expert of its cluster
alone, so that all experts together cost one budget: each of 16 is trained on a sixteenth of the tokens. The mixture is
the projected network with h = m = k, E and M the identity, and nothing shared (paper, section "Projected network"); its
parameters are size.mixture_parameter_count.

Example: expert_parts(2) = ("expert0", "expert1"), which at a relative cost of 1 see 400,000 tokens each of a budget of
800,000.
"""

from __future__ import annotations

from collections.abc import Sequence


def expert_parts(experts: int) -> tuple[str, ...]:
    """Names of the experts' pretrainings, as they stand in paths; expert i is that of cluster i."""
    return tuple(f"expert{expert}" for expert in range(experts))


def budget_tokens(budgets: Sequence[int], relative_cost: float, experts: int) -> dict[int, int]:
    """Tokens that one model sees for each budget: what the device time buys, divided over the experts."""
    return {budget: int(budget / relative_cost / experts) for budget in budgets}
