"""The parts that claims are made of, and the comparisons that most of them are.

A part is a margin in nats, a difference of log macro perplexities unless its text says otherwise, **positive when the
part holds**; or several margins, all of which must be positive. Its text is for readers: methods by their labels,
domain text and budgets in words.

    SLM at 4.7, SLM-is at 4.6 nats:   ahead(…, "slm_is", "slm", …) has the margin 0.1
    within(…, difference 0.02, tolerance 0.05):   one part of two margins, 0.07 and 0.03
"""

from __future__ import annotations

from dataclasses import dataclass

from speclm.study.bootstrap import Statistic
from speclm.study.evidence import Evidence
from speclm.study.layout import count


@dataclass(frozen=True)
class Part:
    """What must be so, in words, and its margins.

    `about`: the labels of the methods that it is about. `cost_alone`: it is about cost, so that equal tokens say
    nothing of it. `condition`: where it does not hold, the claim cannot be told, and this says why.
    """

    text: str
    margins: tuple[Statistic, ...]
    about: tuple[str, ...] = ()
    cost_alone: bool = False
    condition: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The measurements that it lacks."""
        return tuple(sorted({name for margin in self.margins for name in margin.missing}))


def ahead(e: Evidence, better: str, worse: str, size: int, budget: int | None = None) -> Part:
    """`better` has the lower macro perplexity, at the same budget; without one, each at its own largest."""
    budgets = [e.plan.budgets_of(name)[-1] if budget is None else budget for name in (better, worse)]
    margin = e.lead(lambda name, b: e.macro(name, size, b), (better, budgets[0]), (worse, budgets[1]))
    labels = e.plan.method(better).label, e.plan.method(worse).label
    text = f"{labels[0]} below {labels[1]} {stage(size)}, {place(e, budget)}"
    return Part(text, (margin,), labels)


def crosses(e: Evidence, late: str, early: str, size: int) -> list[Part]:
    """`late` is worse than `early` at the smallest budget and better at the largest."""
    first, last = e.plan.budgets[0], e.plan.budgets[-1]
    if first == last:
        return [unmeasured(e, "a second budget")]
    return [ahead(e, early, late, size, first), ahead(e, late, early, size, last)]


def within(text: str, difference: Statistic, tolerance: float, about: tuple[str, ...]) -> Part:
    """The difference is no larger than the tolerance, on either side."""
    return Part(text, (difference.shift(tolerance), (-difference).shift(tolerance)), about)


def unmeasured(e: Evidence, what: str) -> Part:
    """A part of which it is only known what is missing."""
    return Part(what, (e.nothing(what),))


def stage(size: int) -> str:
    """When a model is measured."""
    return f"after fine-tuning on {size:,} tokens" if size else "before fine-tuning"


def place(e: Evidence, budget: int | None) -> str:
    """Which of the budgets it is, None for each method's own largest."""
    budgets = e.plan.budgets
    if budget is None:
        return "each at its largest budget"
    if budget in (budgets[0], budgets[-1]):
        return f"at the {'largest' if budget == budgets[-1] else 'smallest'} budget"
    return f"at the budget of {count(budget)}"
