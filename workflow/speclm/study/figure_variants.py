"""Figures 7, 10, 11 and 14: the methods beside their variants, with other numbers of experts and clusters, with LoRA.

Left the perplexity itself, as in the paper; right, over the total cost for one domain, what it is of the study's own
method at the same budget: variants differ by little where budgets differ by much. All but figure 14 show macro
perplexity after fine-tuning on the smallest size. The paper prints no numbers of these figures but those of its own
methods in table 8, which stand beside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from speclm.stage.errors import UserError
from speclm.study.curves import Curve, Drawing, Material, Panel, Point
from speclm.study.families import FAMILIES
from speclm.study.figure_perplexity import COLUMNS, STAGES, by_generic_cost, by_total_cost, published, size_of, stage
from speclm.study.findings import of_variants
from speclm.study.layout import count
from speclm.study.panels import draw_row
from speclm.study.style import LOOKS, Look, shades

Dress = Mapping[str, tuple[str, Look]]  # label and look of each variant, by name


def figure_7(material: Material) -> Drawing:
    """Number of SLM-pn's experts."""
    return _by_number(material, "7", 32, "16, 32 and 64")


def figure_10(material: Material) -> Drawing:
    """Number of SLM-is's clusters, over the cost of specialization: it shares nothing."""
    dress, size = _numbers(material, "10"), material.evidence.plan.sizes[0]
    curves = dressed(by_total_cost(material, list(dress), size), dress)
    panels = [Panel(stage(size), "Specialization", curves), _relative(material, curves, "slm_is", size)]
    notes = [
        f"{_own(material, '10', 'clusters')} Nothing is shared: both costs are the same.",
        "The paper compares 16, 64, 256 and 1,024; 1,024 is below 14.4 for at most 130 GPU-hours (text and table 3).",
    ]
    return draw_row(material, panels, _finding(material, dress, "slm_is", size), notes=notes)


def figure_11(material: Material) -> Drawing:
    """Number of SLM-mix's experts."""
    return _by_number(material, "11", 16, "4, 16, 64 and 256")


def figure_14(place: int) -> Callable[[Material], Drawing]:
    """LoRA against full fine-tuning of the LLM, on the `place`-th size."""

    def draw(material: Material) -> Drawing:
        figure = f"14{'abc'[place - 1]}"
        size, variants = size_of(material, place, f"figure {figure}"), FAMILIES["14"].variants(material.evidence.plan)
        if not variants:
            raise _absent(figure, "llm")
        note = "The paper's LLM-lora is within 0.5 of its LLM at all sizes; only LLM has numbers (table 8)."
        looks = shades(LOOKS["llm_lora"], len(variants))
        dress = {variant.name: (variant.label, look) for variant, look in zip(variants, looks, strict=True)}
        return _shared(material, {"llm": ("LLM", LOOKS["llm"]), **dress}, "llm", place, size, STAGES[place], [note])

    return draw


def teachers(material: Material) -> Dress:
    """Labels and looks of the SLM-d of figure 5 by their teachers' budgets; none where all have their student's."""
    members = FAMILIES["5"].members(material.evidence.plan)
    looks = shades(LOOKS["slm_d"], len(members))
    return {name: (f"SLM-d {count(b)}", look) for (b, name), look in zip(members, looks, strict=True)}


def dressed(curves: Sequence[Curve], dress: Dress) -> list[Curve]:
    """The curves under other labels and looks."""
    return [replace(curve, label=dress[curve.method][0], look=dress[curve.method][1]) for curve in curves]


def _by_number(material: Material, figure: str, in_paper: int, compared: str) -> Drawing:
    size, dress = material.evidence.plan.sizes[0], _numbers(material, figure)
    notes = [
        _own(material, figure, "experts"),
        f"The paper compares {compared}; only {in_paper} has numbers (table 8).",
    ]
    return _shared(material, dress, FAMILIES[figure].base, 1, size, f"1M, k = {in_paper}", notes)


def _shared(
    material: Material, dress: Dress, base: str, place: int, size: int, in_paper: str, notes: Sequence[str]
) -> Drawing:
    """Perplexity over the cost of generic pretraining, and what it is of `base`'s over the total cost."""
    names = list(dress)
    panels = [
        Panel(
            stage(size),
            "Generic pretraining",
            dressed(by_generic_cost(material, names, size), dress),
            paper=published(material, COLUMNS[place], (base,)),
            heading_of_paper=f"Paper: {in_paper}",
        ),
        _relative(material, dressed(by_total_cost(material, names, size), dress), base, size),
    ]
    return draw_row(material, panels, _finding(material, dress, base, size), notes=notes)


def _finding(material: Material, dress: Dress, base: str, size: int) -> str:
    return of_variants(material.evidence, {name: label for name, (label, _) in dress.items()}, base, size)


def _relative(material: Material, curves: Sequence[Curve], base: str, size: int) -> Panel:
    """Each point divided by that of `base` at the same budget."""
    e = material.evidence
    own = [e.macro(base, size, budget) for budget in e.plan.budgets_of(base)]
    ratios = [
        replace(curve, points=[Point(p.cost, p.log_value - at) for p, at in zip(curve.points, own, strict=True)])
        for curve in curves
    ]
    label = next(curve.label for curve in curves if curve.method == base)
    return Panel(
        "… at total cost",
        "Total for one domain",
        ratios,
        value=f"relative to {label}\n(lower is better)",
        relative=True,
    )


def _numbers(material: Material, figure: str) -> Dress:
    """Labels and looks of a family by its numbers, the study's own in its method's colour.

    Raises:
        UserError: the study has no variants of this kind.
    """
    family = FAMILIES[figure]
    members = family.members(material.evidence.plan)
    if not members:
        raise _absent(figure, family.base)
    own = next(place for place, (_, name) in enumerate(members) if name == family.base)
    looks = shades(LOOKS[family.base], len(members), own)
    return {name: (f"k = {value:,}", look) for (value, name), look in zip(members, looks, strict=True)}


def _own(material: Material, figure: str, noun: str) -> str:
    family = FAMILIES[figure]
    own = next(value for value, name in family.members(material.evidence.plan) if name == family.base)
    return f"k: {noun} of {material.evidence.plan.method(family.base).label}; the study's own has {own:,}."


def _absent(figure: str, base: str) -> UserError:
    return UserError(
        f"figure {figure} shows variants of {base}, of which this study has none",
        key="ablations",
        remedy="draw it from the study of the variants (make ablations), with variants of this method in the config",
    )
