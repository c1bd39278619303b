"""The margins of the claims that variants of a method decide: numbers of experts and clusters, teachers, adapters.

In: the results of a study with variants (families.py). Out: the parts of a claim, as in `speclm.study.margins`; where
there are no variants, one part that says which are missing.

    SLM-is with 16, 64 and 256 clusters at 4.62, 4.60, 4.61:   64 is a trade-off by the smaller gap, 0.01
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log

from speclm.study.evidence import Evidence
from speclm.study.families import CLUSTERS_IS, EXPERTS_PN, LORA, TEACHERS
from speclm.study.parts import Part, ahead, place, stage, unmeasured, within

LORA_TOLERANCE = log(1 + 0.5 / 14.4)  # 0.5 at the paper's perplexity of 14.4 (table 4)
TEACHER_SHARE = 276 / 645  # the budget from which a teacher helps, of the paper's largest (figure 5)


def distillation(e: Evidence) -> list[Part]:
    """Claim 9: SLM-d below SLM at equal student cost, but not below SLM-mix and SLM-pn at equal overall cost.

    With teachers of enough budget: those of the study's SLM-d, which have their student's, and of its variants. In the
    paper students go on to twice the cost of the others; here the overall cost is one that both were run for.
    """
    size, last = e.plan.sizes[0], e.plan.budgets[-1]
    fixed = TEACHERS.members(e.plan)
    students = [(name, b) for teacher, name in fixed if teacher >= TEACHER_SHARE * last for b in e.plan.budgets]
    if "slm_d" not in [name for _, name in fixed]:
        students += [("slm_d", b) for b in e.plan.budgets if b >= TEACHER_SHARE * last]
    parts = [ahead(e, name, "slm", size, budget) for name, budget in students]
    return [*parts, *(part for name in ("slm_mix", "slm_pn") for part in _at_overall_cost(e, name, students, size))]


def _at_overall_cost(e: Evidence, name: str, students: Sequence[tuple[str, int]], size: int) -> list[Part]:
    """The shared method below each student at all that the student costs, where the method was run for as much.

    Where it never was, below the cheapest student, by a bound.
    """
    parts, label = {}, e.plan.method(name).label
    for student, budget in students:
        cost, taught = e.costs(student, size, budget), e.plan.method(student).label
        rival = e.macro_at_cost(name, size, sum(cost)) if cost else e.macro(name, size, budget)
        text = f"{label} below {taught} {stage(size)}, at all that {taught} costs {place(e, budget)} with its teacher"
        margin = e.macro(student, size, budget) - rival
        parts[sum(cost) if cost else 0.0, student] = Part(text, (margin,), (label, taught), cost_alone=True)
    exact = [part for part in parts.values() if not (part.margins[0].at_least or part.margins[0].at_most)]
    return exact or [parts[key] for key in sorted(parts)[:1]]


def more_experts(e: Evidence) -> list[Part]:
    """Claim 11: more experts are better after as many steps; the study's own number of them is best at equal cost."""
    size, last, family = e.plan.sizes[0], e.plan.budgets[-1], EXPERTS_PN.members(e.plan)
    own = next((place for place, (_, name) in enumerate(family) if name == "slm_pn"), 0)
    if not 0 < own < len(family) - 1:
        return [unmeasured(e, "SLM-pn with fewer and with more experts than the study's (ablations)")]
    about = ("SLM-pn",)
    parts = [
        Part(
            f"SLM-pn with {more} experts below SLM-pn with {fewer}, pretrained for as many steps, {stage(size)}",
            (e.macro(worse, size, last) - e.macro(better, size, last),),
            about,
        )
        for (fewer, worse), (more, better) in pairwise(family)
    ]
    priced = [cost for cost in (e.costs(name, size, last) for _, name in family) if cost]
    if len(priced) < len(family):
        return parts  # which name what is missing
    limit = min(sum(cost) for cost in priced)
    (count, best), *others = family[own], *family[:own], *family[own + 1 :]
    reached = e.macro_at_cost(best, size, limit)
    for rivals, name in others:
        text = f"SLM-pn with {count} experts below SLM-pn with {rivals} at equal cost, {stage(size)}"
        parts.append(Part(text, (e.macro_at_cost(name, size, limit) - reached,), about, cost_alone=True))
    return parts


def cluster_tradeoff(e: Evidence) -> list[Part]:
    """Claim 14: some number between is better than the fewest and than the most clusters."""
    size, family = e.plan.sizes[0], CLUSTERS_IS.members(e.plan)
    if len(family) < 3:
        return [unmeasured(e, "SLM-is with three or more numbers of clusters (ablations)")]
    (few, fewest), *between, (many, most) = family
    return [
        Part(
            f"SLM-is with {count} clusters below SLM-is with {few} and with {many}, {stage(size)}, {place(e, None)}",
            tuple(ahead(e, name, end, size).margins[0] for end in (fewest, most)),
            ("SLM-is",),
        )
        for count, name in between
    ]


def low_rank(e: Evidence) -> list[Part]:
    """Claim 17: LoRA within 0.5 perplexity of full fine-tuning of the LLM, at every size."""
    last, variants = e.plan.budgets[-1], LORA.variants(e.plan)
    if not variants:
        return [unmeasured(e, "LLM with LoRA (an ablation)")]
    return [
        within(
            f"{variant.label} and LLM within 0.5 at 14.4 {stage(size)}, {place(e, last)}",
            e.macro(variant.name, size, last) - e.macro("llm", size, last),
            LORA_TOLERANCE,
            (variant.label, "LLM"),
        )
        for size in e.plan.sizes
        for variant in variants
    ]
