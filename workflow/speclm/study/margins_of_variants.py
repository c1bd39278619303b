"""The margins of the claims that variants of a method decide: numbers of experts and clusters, teachers, adapters.

In: the results of a study with variants (families.py). Out: the parts of a claim, as in `speclm.study.margins`; where
there are no variants, one part that says which are missing.

    SLM-is with 16, 64 and 256 clusters at 4.62, 4.60, 4.61:   claim 14 holds by the smaller gap, 0.01
"""

from __future__ import annotations

from itertools import pairwise
from math import log

from speclm.study.evidence import Evidence
from speclm.study.families import CLUSTERS_IS, EXPERTS_PN, LORA, TEACHERS
from speclm.study.parts import Part, ahead, unmeasured, weaker, within

LORA_TOLERANCE = log(1 + 0.5 / 14.4)  # 0.5 at the paper's perplexity of 14.4 (table 4)
TEACHER_SHARE = 276 / 645  # the budget from which a teacher helps, of the paper's largest (figure 5)


def distillation(e: Evidence) -> list[Part]:
    """Claim 9: SLM-d below SLM at equal student cost, but not below SLM-mix and SLM-pn at equal overall cost.

    With teachers of enough budget: those of the study's SLM-d, which have their student's, and of its variants.
    """
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    fixed = TEACHERS.members(e.plan)
    students = [(name, b) for teacher, name in fixed if teacher >= TEACHER_SHARE * last for b in e.plan.budgets]
    if "slm_d" not in [name for _, name in fixed]:
        students += [("slm_d", b) for b in e.plan.budgets if b >= TEACHER_SHARE * last]
    parts = [ahead(e, name, "slm", size, budget) for name, budget in students]
    for name in dict.fromkeys(name for name, _ in students):
        student, cost = e.macro(name, size, last), e.costs(name, size, last)
        for other in ("slm_mix", "slm_pn"):
            text = (
                f"{e.plan.method(other).label} below {e.plan.method(name).label} of budget {last} at its overall cost"
            )
            rival, exact = e.macro_at_cost(other, size, sum(cost)) if cost else (e.macro(other, size, last), True)
            parts.append(Part(f"{text}, {size} tokens", student - rival, "" if exact else "most"))
    return parts


def more_experts(e: Evidence) -> list[Part]:
    """Claim 11: more experts are better after as many steps; the study's own number of them is best at equal cost."""
    size, last, family = e.plan.sizes[0], e.plan.budgets[-1], EXPERTS_PN.members(e.plan)
    own = next((place for place, (_, name) in enumerate(family) if name == "slm_pn"), 0)
    if not 0 < own < len(family) - 1:
        return [unmeasured(e, "SLM-pn with fewer and with more experts than the study's (ablations)")]
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


def cluster_tradeoff(e: Evidence) -> list[Part]:
    """Claim 14: some number between is better than the fewest and than the most clusters."""
    size, last, family = e.plan.sizes[0], e.plan.budgets[-1], CLUSTERS_IS.members(e.plan)
    if len(family) < 3:
        return [unmeasured(e, "SLM-is with three or more numbers of clusters (ablations)")]
    (few, fewest), *between, (many, most) = family
    return [
        Part(
            f"SLM-is with {count} clusters below SLM-is with {few} and with {many}, {size} tokens",
            weaker(*(e.macro(end, size, last) - e.macro(name, size, last) for end in (fewest, most))),
        )
        for count, name in between
    ]


def low_rank(e: Evidence) -> list[Part]:
    """Claim 17: LoRA within 0.5 perplexity of full fine-tuning of the LLM, at every size."""
    last, variants = e.plan.budgets[-1], LORA.variants(e.plan)
    if not variants:
        return [unmeasured(e, "LLM with LoRA (an ablation)")]
    return [
        part
        for size in e.plan.sizes
        for variant in variants
        for part in within(
            f"{variant.label} and LLM within 0.5 of 14.4, {size} tokens",
            e.macro(variant.name, size, last) - e.macro("llm", size, last),
            LORA_TOLERANCE,
        )
    ]
