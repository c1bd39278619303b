"""Families of variants: the methods that differ from one of the study's in one thing, which a figure or claim compares.

In: the plan. Out: the variants of a family, with their values, in order; and those that no family has, which the table
of sensitivities shows. Figures 7, 10 and 11 compare numbers of experts and clusters, 14 LoRA with full fine-tuning of
the LLM, and 5 teachers of different budgets.

    slm_is with 64 clusters, variants with 16 and 256: family [(16, slm_is_k16), (64, slm_is), (256, slm_is_k256)]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from speclm.study.plan import Method, Plan


@dataclass(frozen=True)
class Family:
    """Which variants belong together: of the method `base`, with a change of `key` or of anything below it."""

    base: str
    key: str

    def variants(self, plan: Plan) -> list[Method]:
        """The members without the base, in the order of the plan."""
        return [method for method in plan.methods if self.has(method)]

    def has(self, method: Method) -> bool:
        """Whether a method is a variant of this family."""
        return method.of == self.base and any(f"{key}.".startswith(f"{self.key}.") for key in method.change)

    def members(self, plan: Plan) -> list[tuple[Any, str]]:
        """Value and name of the variants and of the base, ascending; nothing where there is no variant.

        Only for a `key` with one number for each; the base's None ("as its own") is left out.
        """
        found = [(method.change[self.key][1], method.name) for method in self.variants(plan)]
        own = {method.change[self.key][0] for method in self.variants(plan)} - {None}
        if any(method.name == self.base for method in plan.methods):
            found += [(value, self.base) for value in own]
        return sorted(found)


EXPERTS_PN = Family("slm_pn", "models.slm_pn.experts")
CLUSTERS_IS = Family("slm_is", "models.slm_is.clusters")
EXPERTS_MIX = Family("slm_mix", "models.slm_mix.experts")
TEACHERS = Family("slm_d", "distill.teacher_budget")
LORA = Family("llm", "specialize.lora")
# by figure; a figure of several files stands for all of them
FAMILIES: Mapping[str, Family] = {"5": TEACHERS, "7": EXPERTS_PN, "10": CLUSTERS_IS, "11": EXPERTS_MIX, "14": LORA}


def figures_of(plan: Plan) -> list[str]:
    """Names of the figures that a study with variants has; figure 14 has a file for each of up to three sizes."""
    present = [figure for figure, family in FAMILIES.items() if family.variants(plan)]
    panels = [f"14{letter}" for letter, _ in zip("abc", plan.sizes, strict=False)]
    return [name for figure in present for name in (panels if figure == "14" else [figure])]


def sensitivities(plan: Plan) -> list[Method]:
    """The variants that belong to no figure, in the order of the plan."""
    families = FAMILIES.values()
    return [method for method in plan.methods if method.change and not any(family.has(method) for family in families)]
