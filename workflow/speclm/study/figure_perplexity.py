"""Figures 3, 4, 12 and 13: perplexity of every method against what it costs.

Figure 3 shows generic text; figure 4 the macro average over the domains, before fine-tuning and after it on each size;
figures 12 and 13 the domains one by one. In the paper SLM-is is a horizontal line over the cost of generic
pretraining, of which it has none: that hides what it costs. So figure 4 also shows every method at its total cost for
one domain, and the single domains stand on that axis. The 5-grams take no FLOPs: they are horizontal lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from speclm.stage.errors import UserError
from speclm.study.curves import IN_PAPER, Curve, Drawing, Material, Panel, PaperCurves, Point
from speclm.study.findings import SMALL, UNTAUGHT, lowest, of_domains
from speclm.study.layout import count
from speclm.study.panels import draw_grid, draw_row

SHARED = ("slm", "slm_mix", "slm_pn", "llm")
COLUMNS = ("pile_pretrained_only", "pile_finetuned_1M", "pile_finetuned_8M", "pile_finetuned_64M")
STAGES = ("before fine-tuning", "1M tokens", "8M tokens", "64M tokens")


def figure_3(material: Material) -> Drawing:
    """Perplexity on held-out generic text against the cost of generic pretraining, which is all there is to pay."""
    e = material.evidence
    curves = [
        Curve(name, [Point(e.generic_cost(name, b), e.generic(name, b)) for b in e.plan.budgets])
        for name in material.present(SHARED)
    ]
    curves += [Curve(name, [Point(float("nan"), e.generic(name, 0))]) for name in peers_of(material)]
    paper = published(material, "c4_perplexity", SHARED)
    panel = Panel(
        "Generic text, held out",
        "Generic pretraining",
        curves,
        value="perplexity\n(lower is better)",
        flat=peers_of(material),
        paper=paper,
        heading_of_paper="The paper: C4",
    )
    return draw_row(
        material, [panel], lowest(e, material.present(SHARED), e.generic, "Generic text", peers_of(material))
    )


def figure_4(place: int) -> Callable[[Material], Drawing]:
    """Macro perplexity over the domains before fine-tuning (`place` 0), or after it on the `place`-th size."""

    def draw(material: Material) -> Drawing:
        e, size = material.evidence, size_of(material, place, f"figure 4{'abcd'[place]}")
        names, paper = material.present(SHARED), published(material, COLUMNS[place], SHARED)
        own, peers = material.present(["slm_is"]), peers_of(material)
        counted = [_off_the_axis(material, name, size) for name in peers]
        beside = [_off_the_axis(material, name, size) for name in own]
        panels = [
            Panel(
                stage(size),
                "Generic pretraining",
                [*by_generic_cost(material, names, size), *beside, *counted],
                flat=[*own, *peers],
                paper=paper,
                heading_of_paper=f"Paper: {STAGES[place]}",
            ),
            Panel(
                "… at total cost",
                "Total for one domain",
                [*by_total_cost(material, [*names, *own], size), *counted],
                flat=[*own, *peers],
            ),
        ]
        small = _small_models(material, size)
        finding = lowest(e, [*names, *own], lambda name, b: e.macro(name, size, b), stage(size), peers, small)
        return draw_row(material, panels, finding)

    return draw


def by_domain(place: int, figure: str) -> Callable[[Material], Drawing]:
    """Figures 12 and 13: every domain on its own, after fine-tuning on the `place`-th size, or before it (0)."""

    def draw(material: Material) -> Drawing:
        e, size = material.evidence, size_of(material, place, f"figure {figure}")
        names = material.present(("slm", "slm_mix", "slm_pn", "slm_is"))
        panels = [
            Panel(
                domain,
                "Total for one domain",
                [
                    Curve(
                        name,
                        [
                            Point(total_cost(material, name, size, b), e.on(domain, name, size, b))
                            for b in e.plan.budgets_of(name)
                        ],
                    )
                    for name in names
                ]
                + [Curve(name, [Point(float("nan"), e.on(domain, name, size, 0))]) for name in peers_of(material)],
                value="perplexity\n(lower is better)",
                flat=[*material.present(["slm_is"]), *peers_of(material)],
            )
            for domain in e.plan.domains
        ]
        return draw_grid(material, panels, of_domains(e, names, size, stage(size), _small_models(material, size)))

    return draw


def _small_models(material: Material, size: int) -> str:
    """What the small models of these figures are called: SLM-d, which has a teacher, stands in figure 5 alone."""
    return UNTAUGHT if size and material.present(["slm_d"]) else SMALL


def peers_of(material: Material) -> list[str]:
    """The peers that are drawn, as horizontal lines: those that know the generic text, as all that is compared does."""
    return [peer.name for peer in material.evidence.plan.peers if peer.generic]


def size_of(material: Material, place: int, figure: str) -> int:
    """The `place`-th size of domain text, 0 before fine-tuning.

    Raises:
        UserError: the study has fewer.
    """
    sizes = (0, *material.evidence.plan.sizes)
    if place >= len(sizes):
        raise UserError(
            f"{figure} shows domain size number {place}, the study has {len(sizes) - 1}",
            key="specialize.sizes",
            remedy="give three sizes, or do not ask for this figure",
        )
    return sizes[place]


def stage(size: int) -> str:
    """When a model is measured: after fine-tuning on so many tokens, or before."""
    return f"After {count(size)} tokens" if size else "Before fine-tuning"


def by_generic_cost(material: Material, names: Sequence[str], size: int) -> list[Curve]:
    """Macro perplexity over the cost of generic pretraining."""
    e = material.evidence
    return [
        Curve(name, [Point(e.generic_cost(name, b), e.macro(name, size, b)) for b in e.plan.budgets_of(name)])
        for name in names
    ]


def by_total_cost(material: Material, names: Sequence[str], size: int) -> list[Curve]:
    """Macro perplexity over the total cost for one domain."""
    e = material.evidence
    return [
        Curve(
            name, [Point(total_cost(material, name, size, b), e.macro(name, size, b)) for b in e.plan.budgets_of(name)]
        )
        for name in names
    ]


def total_cost(material: Material, name: str, size: int, budget: int) -> float:
    """Cost of a recipe for one domain; not a number where it was not measured."""
    cost = material.evidence.costs(name, size, budget)
    return sum(cost) if cost else float("nan")


def published(material: Material, column: str, names: Sequence[str]) -> PaperCurves:
    """The paper's table 8: a column by GPU-hours for each of these methods."""
    table = material.published("table_8_perplexity_by_cost")
    return {name: table.loc[table["model"] == IN_PAPER[name]].set_index("gpuh")[column] for name in names}


def _off_the_axis(material: Material, name: str, size: int) -> Curve:
    """A method without generic pretraining: its perplexity, at no place of the axis."""
    e = material.evidence
    return Curve(name, [Point(float("nan"), e.macro(name, size, b)) for b in e.plan.budgets_of(name)])
