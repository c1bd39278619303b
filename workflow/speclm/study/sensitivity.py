"""Sensitivity: what comes of choices that the paper leaves open, one row for each variant that no figure shows.

In: the results of the methods and of their variants. Out: a `Table` of macro perplexities at the largest budget, the
study's and the variant's after fine-tuning on each size, with their paired difference in nats and its interval, and of
whether the methods change their order. Below the variants stand the ways of choosing the expert.

    SLM-is at ln 100, with another k-means seed at ln 99: difference -0.010; SLM at ln 99.5: ahead of SLM
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from speclm.study.bootstrap import Statistic
from speclm.study.evidence import Evidence
from speclm.study.families import sensitivities
from speclm.study.layout import Table, count, number, signed
from speclm.study.plan import Method

CHOICE = "choice of the expert"


@dataclass(frozen=True)
class Choice:
    """One row: a method of the study, and what becomes of it. `others`: what then becomes of the other methods.

    `before`, `after` and the values of `others` are names and ways of choosing the expert.
    """

    method: Method
    changed: str
    values: tuple[str, str]
    before: tuple[str, str]
    after: tuple[str, str]
    others: dict[str, tuple[str, str]]


def sensitivity(evidence: Evidence) -> Table:
    """The table, in the order of the plan."""
    e = evidence
    choices = [*_variants(e), *_ways_of_choosing(e)]
    raw, shown = [], []
    for choice in choices:
        changed, (old, new) = choice.changed, choice.values
        name = {"changed": changed, "from": old, "to": new, "method": choice.method.label, "variant": choice.after[0]}
        order = "; ".join(words for size in e.plan.sizes for words in _reversals(e, choice, size)) or "no"
        numbers, cells = {}, {}
        for size in e.plan.sizes:
            before, after, *difference = _compare(e, choice, size)
            parts = ("", "_variant", "_difference", "_low", "_high")
            numbers.update({f"n{size}{part}": v for part, v in zip(parts, (before, after, *difference), strict=True)})
            stage = f"FT {count(size)}"
            cells[f"{stage}: study"], cells[f"{stage}: variant"] = number(before), number(after)
            cells[f"{stage}: nats"] = signed(*difference)
        raw.append({**name, **numbers, "order": order})
        shown.append(
            {**{key: name[key] for key in ("changed", "from", "to", "method")}, **cells, "order": order or "no"}
        )
    caption = (
        "What comes of choices that the paper leaves open: macro perplexity after fine-tuning (FT) at budget "
        f"{count(e.plan.budgets[-1])}, the study's and the variant's, and their difference in nats with its "
        f"{e.bootstrap.level:.0%} interval, below 0 where the variant is better. Order: where the "
        "method comes ahead of another or falls behind it, all methods being changed so; with a question mark where "
        "an interval contains 0."
    )
    return Table("sensitivity", caption, pd.DataFrame(raw), pd.DataFrame(shown))


def in_words(value: Any) -> str:
    """A setting's value: {"rank": 4, "on": True} is "rank 4, on true"."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item["name"]) if isinstance(item, dict) else in_words(item) for item in value)
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else "none" if value is None else str(value)


def _variants(e: Evidence) -> Iterator[Choice]:
    found = sensitivities(e.plan)
    for variant in found:
        method = e.plan.method(variant.of)
        keys = ", ".join(key.removeprefix(f"models.{variant.of}.") for key in variant.change)
        old, new = (", ".join(in_words(pair[side]) for pair in variant.change.values()) for side in (0, 1))
        others = {other.of: (other.name, other.selections[0]) for other in found if other.change == variant.change}
        default = method.selections[0]
        yield Choice(method, keys, (old, new), (method.name, default), (variant.name, default), others)


def _ways_of_choosing(e: Evidence) -> Iterator[Choice]:
    for method in e.plan.methods:
        default, *others = method.selections
        for way in others:
            alike = {other.name: (other.name, way) for other in e.plan.methods if way in other.selections}
            words = default.replace("_", " "), way.replace("_", " ")
            yield Choice(method, CHOICE, words, (method.name, default), (method.name, way), alike)


def _compare(e: Evidence, choice: Choice, size: int) -> tuple[float, ...]:
    """Perplexity before and after; difference in nats, low, high."""
    level = e.bootstrap.level
    before, after = (_at_last(e, name, size, way) for name, way in (choice.before, choice.after))
    perplexities = (float(np.exp(statistic.interval(level)[0])) for statistic in (before, after))
    return (*perplexities, *(after - before).interval(level))


def _at_last(e: Evidence, name: str, size: int, way: str) -> Statistic:
    return e.macro(name, size, e.plan.budgets_of(name)[-1], way)


def _reversals(e: Evidence, choice: Choice, size: int) -> Iterator[str]:
    """The methods that it was ahead of and falls behind, or the other way round."""
    mine = [_at_last(e, name, size, way) for name, way in (choice.before, choice.after)]
    for other in e.plan.methods:
        if other.change or other.name == choice.method.name:
            continue
        default = other.name, other.selections[0]
        theirs = [_at_last(e, name, size, way) for name, way in (default, choice.others.get(other.name, default))]
        before, after = ((one - two).interval(e.bootstrap.level) for one, two in zip(mine, theirs, strict=True))
        if before[0] * after[0] < 0:
            sure = all(low * high > 0 for _, low, high in (before, after))
            yield f"{'ahead of' if after[0] < 0 else 'behind'} {other.label} at {count(size)}{'' if sure else '?'}"
