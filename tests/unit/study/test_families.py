"""Families of variants: who belongs where, and in which order."""

from dataclasses import replace

from speclm.study.families import CLUSTERS_IS, EXPERTS_PN, FAMILIES, LORA, TEACHERS, sensitivities
from unit.study.made_up import ABLATIONS, plan_of


def test_members_are_ordered_by_value_and_hold_the_studys_own() -> None:
    plan = plan_of(ABLATIONS)
    assert EXPERTS_PN.members(plan) == [(16, "slm_pn_k16"), (32, "slm_pn"), (64, "slm_pn_k64")]
    assert CLUSTERS_IS.members(plan)[-2:] == [(256, "slm_is"), (1024, "slm_is_k1024")]


def test_a_base_without_a_value_of_its_own_or_out_of_the_study_is_no_member() -> None:
    plan = plan_of(ABLATIONS)
    assert TEACHERS.members(plan) == [(100, "slm_d_t100"), (200, "slm_d_t200"), (400, "slm_d_t400")]
    without = replace(plan, methods=tuple(method for method in plan.methods if method.name != "slm_pn"))
    assert [name for _, name in EXPERTS_PN.members(without)] == ["slm_pn_k16", "slm_pn_k64"]


def test_a_key_stands_for_all_below_it_and_for_nothing_beside_it() -> None:
    (lora,) = LORA.variants(plan_of(ABLATIONS))
    assert LORA.has(replace(lora, change={"specialize.lora.rank": (4, 8)}))
    assert not LORA.has(replace(lora, change={"specialize.lora_rank": (4, 8)}))
    assert not LORA.has(replace(lora, of="slm"))


def test_every_variant_belongs_to_one_family_or_to_the_sensitivities() -> None:
    plan = plan_of(ABLATIONS)
    rest = sensitivities(plan)
    assert [variant.name for variant in rest] == ["slm_pn_h8", "slm_pn_seed18", "slm_is_seed18", "slm_d_weight25"]
    variants = [method for method in plan.methods if method.change]
    placed = [variant for family in FAMILIES.values() for variant in family.variants(plan)]
    assert sorted(method.name for method in [*placed, *rest]) == sorted(method.name for method in variants)


def test_no_variants_no_members() -> None:
    assert all(family.members(plan_of()) == [] for family in FAMILIES.values())
