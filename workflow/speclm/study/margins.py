"""The margins that the paper's claims are made of: one function per claim, over the results.

Every function returns its claim's parts. A part's margin is positive when the part holds: a difference of log macro
perplexities in nats unless its text says otherwise (SLM at 4.7, SLM-is at 4.6: the margin of "SLM-is below SLM" is
0.1, a perplexity lower by a tenth). "Within x" is two parts, one for each side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from math import log

import numpy as np

from speclm.study.bootstrap import Statistic, mean
from speclm.study.cost import TASKS
from speclm.study.evidence import Evidence
from speclm.study.families import CLUSTERS_IS, EXPERTS_PN, LORA, TEACHERS

SHARED_SMALL = ("slm", "slm_mix", "slm_pn")

# tolerances in perplexity, at the paper's perplexities: 0.3 at 17 (table 5), 0.5 at 14.4 (table 4)
CHOICE_TOLERANCE = log(1 + 0.3 / 17.0)
LORA_TOLERANCE = log(1 + 0.5 / 14.4)
TEACHER_SHARE = 276 / 645  # the budget from which a teacher helps, of the paper's largest (figure 5)


@dataclass(frozen=True)
class Part:
    """One margin, in words and numbers. `bound` "least": the true margin is at least this; "most": at most this."""

    text: str
    margin: Statistic
    bound: str = ""


def both_phases(e: Evidence) -> list[Part]:
    """Claim 1: with pretraining, and with fine-tuning, better than without."""
    last = e.plan.budgets[-1]
    parts = [_better(e, "slm", "slm_nopt", size, last) for size in e.plan.sizes]
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
    best = [_better(e, "slm_pn", worse, size, b) for b in e.plan.budgets for worse in ("slm_mix", "slm")]
    return [*best, *_crosses(e, "slm_mix", "slm", size)]


def middle_size(e: Evidence) -> list[Part]:
    """Claim 4: SLM-mix crosses SLM, and SLM-pn."""
    size = e.plan.sizes[len(e.plan.sizes) // 2]
    return [*_crosses(e, "slm_mix", "slm", size), *_crosses(e, "slm_mix", "slm_pn", size)]


def largest_size(e: Evidence) -> list[Part]:
    """Claim 5: SLM first, SLM-mix and SLM-pn later; their gain shrinks as the domain's text grows."""
    size, last = e.plan.sizes[-1], e.plan.budgets[-1]
    if e.plan.budgets[0] == last:
        return [_unmeasured(e, "a second budget")]
    early = e.plan.budgets[: len(e.plan.budgets) // 2]
    parts = [_better(e, "slm", worse, size, b) for b in early for worse in ("slm_mix", "slm_pn")]
    parts += [_better(e, better, "slm", size, last) for better in ("slm_mix", "slm_pn")]
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
        parts.append(Part(f"{names} change order by fine-tuning on {size} tokens", _weaker(before, after)))
    return parts


def importance_best(e: Evidence) -> list[Part]:
    """Claim 7: SLM-is below every small model at every size, and below the LLM at the smallest."""
    last = e.plan.budgets[-1]
    others = [*SHARED_SMALL, "slm_nopt", "slm_d"]
    parts = [_better(e, "slm_is", other, size, last) for size in e.plan.sizes for other in others]
    return [*parts, _better(e, "slm_is", "llm", e.plan.sizes[0], last)]


def large_best(e: Evidence) -> list[Part]:
    """Claim 8: LLM below the others of the paper's table 8 everywhere."""
    return [
        _better(e, "llm", other, size, budget)
        for size in (0, *e.plan.sizes)
        for budget in e.plan.budgets
        for other in SHARED_SMALL
    ]


def distillation(e: Evidence) -> list[Part]:
    """Claim 9: SLM-d below SLM at equal student cost, but not below SLM-mix and SLM-pn at equal overall cost.

    With teachers of enough budget: those of the study's SLM-d, which have their student's, and of its variants.
    """
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    fixed = TEACHERS.members(e.plan)
    students = [(name, b) for teacher, name in fixed if teacher >= TEACHER_SHARE * last for b in e.plan.budgets]
    if "slm_d" not in [name for _, name in fixed]:
        students += [("slm_d", b) for b in e.plan.budgets if b >= TEACHER_SHARE * last]
    parts = [_better(e, name, "slm", size, budget) for name, budget in students]
    for name in dict.fromkeys(name for name, _ in students):
        student, cost = e.macro(name, size, last), e.costs(name, size, last)
        for other in ("slm_mix", "slm_pn"):
            text = (
                f"{e.plan.method(other).label} below {e.plan.method(name).label} of budget {last} at its overall cost"
            )
            rival, exact = e.macro_at_cost(other, size, sum(cost)) if cost else (e.macro(other, size, last), True)
            parts.append(Part(f"{text}, {size} tokens", student - rival, "" if exact else "most"))
    return parts


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


def more_experts(e: Evidence) -> list[Part]:
    """Claim 11: more experts are better after as many steps; the study's own number of them is best at equal cost."""
    size, last, family = e.plan.sizes[0], e.plan.budgets[-1], EXPERTS_PN.members(e.plan)
    own = next((place for place, (_, name) in enumerate(family) if name == "slm_pn"), 0)
    if not 0 < own < len(family) - 1:
        return [_unmeasured(e, "SLM-pn with fewer and with more experts than the study's (ablations)")]
    parts = [
        Part(
            f"SLM-pn with {more} experts below SLM-pn with {fewer}, {size} tokens, budget {last}",
            e.macro(worse, size, last) - e.macro(better, size, last),
        )
        for (fewer, worse), (more, better) in pairwise(family)
    ]
    priced = [cost for cost in (e.costs(name, size, last) for _, name in family) if cost]
    if len(priced) < len(family):
        return parts  # which name what is missing
    limit = min(sum(cost) for cost in priced)
    (count, best), *others = family[own], *family[:own], *family[own + 1 :]
    reached, lowest = e.macro_at_cost(best, size, limit)
    for rivals, name in others:
        rival, exact = e.macro_at_cost(name, size, limit)
        text = f"SLM-pn with {count} experts below SLM-pn with {rivals} at equal cost, {size} tokens"
        bound = "" if lowest and exact else "least" if lowest else "most"
        parts.append(Part(text, rival - reached, bound))
    return parts


def expert_choices(e: Evidence) -> list[Part]:
    """Claim 12: the three ways of choosing SLM-pn's expert lie within 0.3 perplexity, two parts for each pair."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    parts = []
    for one, two in combinations(("most_frequent", "best_pretrained", "best_finetuned"), 2):
        difference = e.macro("slm_pn", size, last, one) - e.macro("slm_pn", size, last, two)
        parts += _within(f"SLM-pn: {one} and {two} within 0.3 of 17, {size} tokens", difference, CHOICE_TOLERANCE)
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


def cluster_tradeoff(e: Evidence) -> list[Part]:
    """Claim 14: some number between is better than the fewest and than the most clusters."""
    size, last, family = e.plan.sizes[0], e.plan.budgets[-1], CLUSTERS_IS.members(e.plan)
    if len(family) < 3:
        return [_unmeasured(e, "SLM-is with three or more numbers of clusters (ablations)")]
    (few, fewest), *between, (many, most) = family
    return [
        Part(
            f"SLM-is with {count} clusters below SLM-is with {few} and with {many}, {size} tokens",
            _weaker(*(e.macro(end, size, last) - e.macro(name, size, last) for end in (fewest, most))),
        )
        for count, name in between
    ]


def high_entropy(e: Evidence) -> list[Part]:
    """Claim 15: SLM stays ahead in the two ninths of the domains with the highest cluster entropy, not elsewhere."""
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    absent = [domain for domain in e.plan.domains if domain not in e.entropy]
    if absent:
        return [_unmeasured(e, f"the cluster histogram of {domain}") for domain in absent]
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
        return [_unmeasured(e, "a second size of the domains")]
    growth = e.log_finetuning_cost("slm", many, last) - e.log_finetuning_cost("slm", few, last)
    growth = growth * (log(8) / log(many / few))
    text = f"ln growth per 8 times the text, {few} to {many} tokens, {np.exp(growth.values[0]):.3g} times"
    return [Part(f"{text}: above 5", growth.shift(-log(5))), Part(f"{text}: below 20", (-growth).shift(log(20)))]


def low_rank(e: Evidence) -> list[Part]:
    """Claim 17: LoRA within 0.5 perplexity of full fine-tuning of the LLM, at every size."""
    last, variants = e.plan.budgets[-1], LORA.variants(e.plan)
    if not variants:
        return [_unmeasured(e, "LLM with LoRA (an ablation)")]
    return [
        part
        for size in e.plan.sizes
        for variant in variants
        for part in _within(
            f"{variant.label} and LLM within 0.5 of 14.4, {size} tokens",
            e.macro(variant.name, size, last) - e.macro("llm", size, last),
            LORA_TOLERANCE,
        )
    ]


def _better(e: Evidence, better: str, worse: str, size: int, budget: int) -> Part:
    """`better` has the lower macro perplexity."""
    stage = f"after {size} tokens" if size else "before fine-tuning"
    text = f"{e.plan.method(better).label} below {e.plan.method(worse).label} {stage}, budget {budget}"
    return Part(text, e.macro(worse, size, budget) - e.macro(better, size, budget))


def _crosses(e: Evidence, late: str, early: str, size: int) -> list[Part]:
    """`late` is worse than `early` at the smallest budget and better at the largest."""
    first, last = e.plan.budgets[0], e.plan.budgets[-1]
    if first == last:
        return [_unmeasured(e, "a second budget")]
    return [_better(e, early, late, size, first), _better(e, late, early, size, last)]


def _weaker(one: Statistic, two: Statistic) -> Statistic:
    """Both must hold: the smaller, replicate by replicate."""
    return Statistic(np.minimum(one.values, two.values), (one + two).missing)


def _within(text: str, difference: Statistic, tolerance: float) -> list[Part]:
    return [Part(text, difference.shift(tolerance)), Part(text, (-difference).shift(tolerance))]


def _unmeasured(e: Evidence, what: str) -> Part:
    return Part(what, Statistic(np.full(1 + e.bootstrap.replicates, np.nan), (what,)))
