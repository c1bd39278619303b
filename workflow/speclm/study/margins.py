"""The margins that the paper's claims are made of: one function per claim, over the results. Those that variants decide
stand in `speclm.study.margins_of_variants`.

Every function returns its claim's parts. A part's margin is positive when the part holds: a difference of log macro
perplexities in nats unless its text says otherwise (SLM at 4.7, SLM-is at 4.6: the margin of "SLM-is below SLM" is
0.1, a perplexity lower by a tenth). "Within x" is two parts, one for each side.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from math import log

import numpy as np

from speclm.study.bootstrap import mean
from speclm.study.cost import TASKS
from speclm.study.evidence import Evidence
from speclm.study.parts import Part, ahead, crosses, unmeasured, weaker, within

SHARED_SMALL = ("slm", "slm_mix", "slm_pn")

CHOICE_TOLERANCE = log(1 + 0.3 / 17.0)  # 0.3 at the paper's perplexity of 17 (table 5)


def both_phases(e: Evidence) -> list[Part]:
    """Claim 1: with pretraining, and with fine-tuning, better than without."""
    last = e.plan.budgets[-1]
    parts = [ahead(e, "slm", "slm_nopt", size, last) for size in e.plan.sizes]
    for size in e.plan.sizes:
        gain = e.macro("slm", 0, last) - e.macro("slm", size, last)
        parts.append(Part(f"SLM after {size} tokens below SLM before fine-tuning, budget {last}", gain))
    return parts


def generic_order(e: Evidence) -> list[Part]:
    """Claim 2: LLM, SLM-mix, SLM-pn, SLM is the order on generic text at every budget."""
    order = ("llm", "slm_mix", "slm_pn", "slm")
    return [
        Part(
            f"{e.plan.method(better).label} below {e.plan.method(worse).label} on generic text, budget {budget}",
            e.generic(worse, budget) - e.generic(better, budget),
        )
        for budget in e.plan.budgets
        for better, worse in pairwise(order)
    ]


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
    gaps = {n: e.macro("slm", n, last) - e.macro("slm_pn", n, last) for n in e.plan.sizes}
    for few, many in pairwise(e.plan.sizes):
        parts.append(Part(f"SLM's gap to SLM-pn larger after {few} than after {many} tokens", gaps[few] - gaps[many]))
    return parts


def reversals(e: Evidence) -> list[Part]:
    """Claim 6: pairs that fine-tuning puts in the other order, each as reversed as the weaker of its two margins."""
    size = e.plan.sizes[0]
    parts = []
    for (one, b_one), (two, b_two) in combinations([(m, b) for m in SHARED_SMALL for b in e.plan.budgets], 2):
        before = e.macro(one, 0, b_one) - e.macro(two, 0, b_two)
        after = e.macro(two, size, b_two) - e.macro(one, size, b_one)
        if before.values[0] + after.values[0] < 0:
            before, after = -before, -after
        names = f"{e.plan.method(one).label} at {b_one} and {e.plan.method(two).label} at {b_two}"
        parts.append(Part(f"{names} change order by fine-tuning on {size} tokens", weaker(before, after)))
    return parts


def importance_best(e: Evidence) -> list[Part]:
    """Claim 7: SLM-is below every small model at every size, and below the LLM at the smallest."""
    last = e.plan.budgets[-1]
    others = [*SHARED_SMALL, "slm_nopt", "slm_d"]
    parts = [ahead(e, "slm_is", other, size, last) for size in e.plan.sizes for other in others]
    return [*parts, ahead(e, "slm_is", "llm", e.plan.sizes[0], last)]


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
    if cost is None:
        return [Part("SLM-is against SLM-pn at equal total cost", shared - e.macro("slm_is", size, last))]
    generic, specialize = cost
    one, some, many = TASKS
    advantage, exact = {}, {}
    for tasks in TASKS:
        own, exact[tasks] = e.macro_at_cost("slm_is", size, generic / tasks + specialize)
        advantage[tasks] = shared - own
    parts = [
        Part("SLM-is below SLM-pn at equal total cost of 1 task", advantage[one], "" if exact[one] else "most"),
        Part(
            f"SLM-pn below SLM-is at equal total cost of {many} tasks", -advantage[many], "" if exact[many] else "least"
        ),
    ]
    if exact[one]:
        loss = advantage[one] - advantage[some]
        parts.append(Part(f"SLM-is loses advantage from 1 to {some} tasks", loss, "" if exact[some] else "least"))
    return parts


def expert_choices(e: Evidence) -> list[Part]:
    """Claim 12: the three ways of choosing SLM-pn's expert lie within 0.3 perplexity, two parts for each pair."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    parts = []
    for one, two in combinations(("most_frequent", "best_pretrained", "best_finetuned"), 2):
        difference = e.macro("slm_pn", size, last, one) - e.macro("slm_pn", size, last, two)
        parts += within(f"SLM-pn: {one} and {two} within 0.3 of 17, {size} tokens", difference, CHOICE_TOLERANCE)
    return parts


def one_cluster(e: Evidence) -> list[Part]:
    """Claim 13: SLM-is below the one SLM-mix expert that is served, had only that expert been trained."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    expert, cost = e.macro("slm_mix", size, last), e.costs("slm_mix", size, last)
    if cost is None:
        return [Part("one SLM-mix expert against SLM-is", expert - e.macro("slm_is", size, last))]
    rival, exact = e.macro_at_cost("slm_is", size, cost[0] / e.experts("slm_mix") + cost[1])
    text = f"SLM-is below one SLM-mix expert of budget {last} at that expert's cost, {size} tokens"
    return [Part(text, expert - rival, "" if exact else "most")]


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
        lead = {d: e.on(d, method, size, last) - e.on(d, "slm", size, last) for d in ranked}
        parts += [Part(f"{label} not below SLM on {d}, whose entropy is high, {size} tokens", lead[d]) for d in high]
        if low:
            parts.append(Part(f"{label} below SLM on the mean of the other domains", -mean([lead[d] for d in low])))
    return parts


def finetuning_growth(e: Evidence) -> list[Part]:
    """Claim 16: SLM's fine-tuning FLOPs grow 5 to 20 times per 8 times the domain text, smallest to largest size."""
    few, many, last = e.plan.sizes[0], e.plan.sizes[-1], e.plan.budgets[-1]
    if few == many:
        return [unmeasured(e, "a second size of the domains")]
    growth = e.log_finetuning_cost("slm", many, last) - e.log_finetuning_cost("slm", few, last)
    growth = growth * (log(8) / log(many / few))
    text = f"ln growth per 8 times the text, {few} to {many} tokens, {np.exp(growth.values[0]):.3g} times"
    return [Part(f"{text}: above 5", growth.shift(-log(5))), Part(f"{text}: below 20", (-growth).shift(log(20)))]
