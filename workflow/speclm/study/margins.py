"""The margins that the paper's claims are made of: one function per claim, over the results. Those that variants decide
stand in `speclm.study.margins_of_variants`.

Every function returns its claim's parts (`speclm.study.parts`). The paper's GPU-hours are read as places on our own
budgets: its smallest as our smallest, its largest as our largest. SLM-is, which the paper pretrains for less than the
others, stands at its own largest.

    SLM at 4.7, SLM-is at 4.6: "SLM-is below SLM" by 0.1 nats, a perplexity lower by a tenth
"""

from __future__ import annotations

from itertools import combinations, pairwise
from math import log

import numpy as np

from speclm.study.bootstrap import Statistic, mean
from speclm.study.cost import TASKS
from speclm.study.evidence import Evidence
from speclm.study.parts import Part, ahead, crosses, place, stage, unmeasured, within

SHARED_SMALL = ("slm", "slm_mix", "slm_pn")
CONTROL = "slm_more"  # the SLM that went on with generic text for as many steps as a fine-tuning takes
CHOICE_TOLERANCE = log(1 + 0.3 / 17.0)  # 0.3 at the paper's perplexity of 17 (table 5)
CHOICES = {
    "most_frequent": "of the most frequent cluster",
    "best_pretrained": "best before fine-tuning",
    "best_finetuned": "best after fine-tuning",
}


def both_phases(e: Evidence) -> list[Part]:
    """Claim 1: with pretraining, and with fine-tuning, better than without; than more generic text, too."""
    last = e.plan.budgets[-1]
    parts = [ahead(e, "slm", "slm_nopt", size, last) for size in e.plan.sizes]
    for size in e.plan.sizes:
        gain = e.macro("slm", 0, last) - e.macro("slm", size, last)
        parts.append(Part(f"SLM lower {stage(size)} than before, {place(e, last)}", (gain,), ("SLM",)))
    for size in e.plan.sizes if any(method.name == CONTROL for method in e.plan.methods) else ():
        text = f"SLM lower {stage(size)} than after as many steps of more generic text, {place(e, last)}"
        parts.append(Part(text, ahead(e, "slm", CONTROL, size, last).margins, ("SLM",)))
    return parts


def generic_order(e: Evidence) -> list[Part]:
    """Claim 2: LLM, SLM-mix, SLM-pn, SLM is the order on generic text at every budget."""
    parts = []
    for budget in e.plan.budgets:
        for better, worse in pairwise(("llm", "slm_mix", "slm_pn", "slm")):
            one, two = (e.plan.method(name).label for name in (better, worse))
            text = f"{one} below {two} on generic text, {place(e, budget)}"
            parts.append(Part(text, (e.lead(e.generic, (better, budget), (worse, budget)),), (one, two)))
    return parts


def smallest_size(e: Evidence) -> list[Part]:
    """Claim 3: SLM-pn the best of the three at every budget; SLM-mix crosses SLM."""
    size = e.plan.sizes[0]
    best = [ahead(e, "slm_pn", worse, size, b) for b in e.plan.budgets for worse in ("slm_mix", "slm")]
    return [*best, *crosses(e, "slm_mix", "slm", size)]


def middle_size(e: Evidence) -> list[Part]:
    """Claim 4: SLM-mix crosses SLM, and SLM-pn."""
    size = e.plan.sizes[len(e.plan.sizes) // 2]
    return [*crosses(e, "slm_mix", "slm", size), *crosses(e, "slm_mix", "slm_pn", size)]


def largest_size(e: Evidence) -> list[Part]:
    """Claim 5: SLM first, SLM-mix and SLM-pn later; their gain shrinks as the domain's text grows."""
    size, last = e.plan.sizes[-1], e.plan.budgets[-1]
    if e.plan.budgets[0] == last:
        return [unmeasured(e, "a second budget")]
    early = e.plan.budgets[: len(e.plan.budgets) // 2]
    parts = [ahead(e, "slm", worse, size, b) for b in early for worse in ("slm_mix", "slm_pn")]
    parts += [ahead(e, better, "slm", size, last) for better in ("slm_mix", "slm_pn")]
    gaps = {n: ahead(e, "slm_pn", "slm", n, last).margins[0] for n in e.plan.sizes}
    for few, many in pairwise(e.plan.sizes):
        text = f"SLM-pn's lead over SLM larger {stage(few)} than on {many:,}, {place(e, last)}"
        parts.append(Part(text, (gaps[few] - gaps[many],), ("SLM-pn", "SLM")))
    return parts


def reversals(e: Evidence) -> list[Part]:
    """Claim 6: pairs that fine-tuning puts in the other order: two methods at one budget, one method at two budgets."""
    size, places = e.plan.sizes[0], [(name, budget) for name in SHARED_SMALL for budget in e.plan.budgets]
    parts = []
    for one, two in combinations(places, 2):
        if one[0] != two[0] and one[1] != two[1]:
            continue
        before, after = (
            e.lead(lambda name, b, n=n: e.macro(name, n, b), first, second)  # type: ignore[misc]
            for n, first, second in ((0, two, one), (size, one, two))
        )
        if before.estimate + after.estimate < 0:
            before, after = -before, -after
        labels = tuple(dict.fromkeys(e.plan.method(name).label for name, _ in (one, two)))
        here, there = (place(e, budget) for _, budget in (one, two))
        text = f"{labels[0]} {here} and {there}" if len(labels) == 1 else f"{labels[0]} and {labels[1]} {here}"
        parts.append(Part(f"{text} change their order by fine-tuning on {size:,} tokens", (before, after), labels))
    return parts


def importance_best(e: Evidence) -> list[Part]:
    """Claim 7: SLM-is below every small model at every size, and below the LLM at the smallest."""
    others = [*SHARED_SMALL, "slm_nopt", "slm_d"]
    parts = [ahead(e, "slm_is", other, size) for size in e.plan.sizes for other in others]
    return [*parts, ahead(e, "slm_is", "llm", e.plan.sizes[0])]


def large_best(e: Evidence) -> list[Part]:
    """Claim 8: LLM below the others of the paper's table 8 everywhere."""
    return [
        ahead(e, "llm", other, size, budget)
        for size in (0, *e.plan.sizes)
        for budget in e.plan.budgets
        for other in SHARED_SMALL
    ]


def many_tasks(e: Evidence) -> list[Part]:
    """Claim 10: SLM-pn at the largest budget serves N domains; SLM-is has an N-th of the same total for each."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    shared, cost = e.macro("slm_pn", size, last), e.costs("slm_pn", size, last)
    about = ("SLM-is", "SLM-pn")
    if cost is None:
        text = "SLM-is against SLM-pn at equal total cost"
        return [Part(text, (shared - e.macro_at_cost("slm_is", size, 1.0),), about, cost_alone=True)]
    generic, specialize = cost
    one, some, many = TASKS
    lead = {tasks: shared - e.macro_at_cost("slm_is", size, generic / tasks + specialize) for tasks in TASKS}
    margins = {
        f"SLM-is below SLM-pn {stage(size)} where {one} domain bears the cost": lead[one],
        f"SLM-is's lead over SLM-pn smaller where {some} domains share the cost than for {one}": lead[one] - lead[some],
        f"SLM-pn below SLM-is {stage(size)} where {many} domains share the cost": -lead[many],
    }
    return [Part(text, (margin,), about, cost_alone=True) for text, margin in margins.items()]


def expert_choices(e: Evidence) -> list[Part]:
    """Claim 12: the three ways of choosing SLM-pn's expert lie within 0.3 perplexity, once experts have parted."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    spread = e.expert_spread("slm_pn", size, last)
    worse = "worse by 0.3 at perplexity 17 than the best before fine-tuning"
    text = f"SLM-pn: an expert taken by chance is {worse}, {place(e, last)}"
    condition = "experts have hardly parted"
    parts = [Part(text, (spread.shift(-CHOICE_TOLERANCE),), ("SLM-pn",), condition=condition)]
    for one, two in combinations(CHOICES, 2):
        difference = e.macro("slm_pn", size, last, one) - e.macro("slm_pn", size, last, two)
        pair = f"the expert {CHOICES[one]} and the expert {CHOICES[two]}"
        text = f"SLM-pn: {pair} within 0.3 at perplexity 17, {stage(size)}"
        parts.append(within(text, difference, CHOICE_TOLERANCE, ("SLM-pn",)))
    return parts


def one_cluster(e: Evidence) -> list[Part]:
    """Claim 13: SLM-is below the one SLM-mix expert that is served, had only that expert been trained.

    At the cost of the expert at every budget that lies within what SLM-is was pretrained for; where none does, the
    largest gives a bound.
    """
    size, about = e.plan.sizes[0], ("SLM-is", "SLM-mix")
    parts = []
    for budget in e.plan.budgets:
        expert, cost = e.macro("slm_mix", size, budget), e.costs("slm_mix", size, budget)
        limit = cost[0] / e.experts("slm_mix") + cost[1] if cost else 1.0
        margin = expert - e.macro_at_cost("slm_is", size, limit)
        text = f"SLM-is below one SLM-mix expert {stage(size)}, at the cost of this expert alone {place(e, budget)}"
        parts.append(Part(text, (margin,), about, cost_alone=True))
    measured = [part for part in parts if not (part.margins[0].at_least or part.margins[0].at_most)]
    return measured or parts[-1:]


def high_entropy(e: Evidence) -> list[Part]:
    """Claim 15: SLM stays ahead in the two ninths of the domains with the highest cluster entropy, not elsewhere."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    absent = [domain for domain in e.plan.domains if domain not in e.entropy]
    if absent:
        return [unmeasured(e, f"the cluster histogram of {domain}") for domain in absent]
    ranked = sorted(e.plan.domains, key=lambda domain: -e.entropy[domain])
    high = ranked[: max(1, round(len(ranked) * 2 / 9))]
    low = ranked[len(high) :]
    parts = []
    for method in ("slm_pn", "slm_mix"):
        label = e.plan.method(method).label

        def lead(domain: str, method: str = method) -> Statistic:
            """SLM's over the method."""
            return e.lead(lambda name, b: e.on(domain, name, size, b), ("slm", last), (method, last))

        for domain in high:
            text = f"{label} not below SLM on {domain}, whose clusters are spread widest, {stage(size)}"
            parts.append(Part(text, (lead(domain),), (label, "SLM")))
        if low:
            text = f"{label} below SLM on the mean of the other domains, {stage(size)}"
            parts.append(Part(text, (-mean([lead(domain) for domain in low]),), (label, "SLM")))
    return parts


def finetuning_growth(e: Evidence) -> list[Part]:
    """Claim 16: SLM's fine-tuning cost grows 5 to 20 times per 8 times the domain text, smallest to largest size.

    In ln of the growth; a fine-tuning that ended at its step cap makes it a bound.
    """
    few, many, last = e.plan.sizes[0], e.plan.sizes[-1], e.plan.budgets[-1]
    if few == many:
        return [unmeasured(e, "a second size of the domains")]
    growth = e.log_finetuning_cost("slm", many, last) - e.log_finetuning_cost("slm", few, last)
    growth = growth * (log(8) / log(many / few))
    text = "SLM's fine-tuning cost grows 5 to 20 times per 8 times the text"
    if not growth.missing:
        capped = {(True, False): "at least ", (False, True): "at most ", (True, True): "by capped fine-tunings "}
        bound = capped.get((growth.at_least, growth.at_most), "")
        text += f" ({bound}{np.exp(growth.estimate):.3g} times, measured between {few:,} and {many:,} tokens)"
    margins = growth.shift(-log(5)), (-growth).shift(log(20))
    return [Part(text, margins, ("SLM",), cost_alone=True)]
