"""The learning rate: a linear warm-up, then constant.

The paper names 1,000 warm-up steps and no decay. A constant rate also lets one training serve every budget of the
cost axis: its weights at step s are those that a training of s steps would have ended with.

    learning_rate(0, 1e-4, 4) -> 2.5e-5    learning_rate(3, 1e-4, 4) -> 1e-4    learning_rate(99, 1e-4, 4) -> 1e-4
"""

from __future__ import annotations


def learning_rate(step: int, peak: float, warmup_steps: int) -> float:
    """The rate of the update number `step`, counted from 0."""
    return peak * min(1.0, (step + 1) / max(1, warmup_steps))
