"""The learning rate: a linear warm-up, then constant, and at the end of a budget a short fall to zero.

The paper names 1,000 warm-up steps and no decay. A constant rate lets one training, the trunk, serve every budget of
the cost axis, but its loss wobbles from step to step by as much as methods differ. So before each budget a branch
leaves the trunk, over which the rate falls as one less the square root of what is done (Haegele and others, NeurIPS
2024: as good as a training whose whole schedule was made for that budget). The branch's steps are part of the budget.

    warm-up 4, peak 1e-4:            step 0: 2.5e-5     step 3: 1e-4     step 99: 1e-4
    … and a cooldown of 90 to 100:   step 90: 1e-4      step 91: 6.8e-5  step 99: 5.1e-6
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Cooldown:
    """The steps over which the rate falls to zero: from `first` on, with `end` steps in all."""

    first: int
    end: int


def learning_rate(step: int, peak: float, warmup_steps: int, cooldown: Cooldown | None = None) -> float:
    """The rate of the update number `step`, counted from 0."""
    rate = peak * min(1.0, (step + 1) / max(1, warmup_steps))
    if cooldown is None or step < cooldown.first:
        return rate
    return rate * (1 - sqrt((step - cooldown.first) / (cooldown.end - cooldown.first)))
