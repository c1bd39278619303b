"""Figures 5, 6, 8 and 9: what the methods cost, and who pays: a teacher, N tasks, one cluster, fine-tuning.

All but figure 9 show macro perplexity after fine-tuning on the smallest size. The paper prints no numbers of these
figures; beside ours stand those of its tables 3 and 8 that belong there.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from speclm.study.cost import TASKS, total
from speclm.study.curves import IN_PAPER, Curve, Drawing, Material, Panel, PaperCurves, Point
from speclm.study.figure_perplexity import COLUMNS, SHARED, by_generic_cost, by_total_cost, published, size_of, stage
from speclm.study.figure_variants import dressed, teachers
from speclm.study.findings import of_distillation, of_fine_tuning, of_one_expert, of_tasks
from speclm.study.layout import count
from speclm.study.panels import draw_row
from speclm.study.style import LOOKS

DASHES = dict(zip(TASKS, ("-", "--", ":"), strict=True))
NEAR = 1.5  # times as much
BASES = ("slm", "slm_mix", "slm_pn")


def figure_5(material: Material) -> Drawing:
    """Distillation at the student's cost (left), where the teacher is free, and at the overall cost (right).

    Where the study has teachers of several budgets, these; else the SLM-d whose teachers have their students' budgets.
    """
    e, size = material.evidence, material.evidence.plan.sizes[0]
    names, several = material.present(BASES), teachers(material)
    students = list(several) or material.present(["slm_d"])
    looks = {**{name: (e.plan.method(name).label, LOOKS[name]) for name in names}, **several}
    taught = [
        Curve(name, [Point(e.generic_cost("slm", b), e.macro(name, size, b)) for b in e.plan.budgets])
        for name in students
    ]
    at_student, overall = (
        [*by_generic_cost(material, names, size), *taught],
        by_total_cost(material, [*names, *students], size),
    )
    panels = [
        Panel(
            stage(size),
            "Student's pretraining",
            dressed(at_student, looks) if several else at_student,
            paper=published(material, COLUMNS[1], BASES),
            heading_of_paper="Paper: 1M tokens",
        ),
        Panel("… at overall cost", "Total for one domain", dressed(overall, looks) if several else overall),
    ]
    note = "The teacher of each SLM-d, the LLM, was pretrained with its student's budget."
    if several:
        note = "SLM-d: beside it its teacher's budget. The paper's teachers have 92, 276, 461 and 645 GPU-hours."
    label = several[students[-1]][0] if several else "SLM-d"
    finding = of_distillation(e, students[-1], label, size) if students else ""
    return draw_row(material, panels, finding, notes=[note])


def figure_6(material: Material) -> Drawing:
    """Macro perplexity over the total cost of N tasks: a shared pretraining is paid once, SLM-is's N times."""
    e, size = material.evidence, material.evidence.plan.sizes[0]
    names = material.present(("slm_pn", "slm_is"))
    shares = {name: _grows(material, name, size) for name in names}
    curves = [
        Curve(
            name,
            [
                Point(_for_tasks(material, name, size, b, tasks), e.macro(name, size, b))
                for b in e.plan.budgets_of(name)
            ],
            label=f"{e.plan.method(name).label}, {_told(tasks, shares[name])}",
            dashes=DASHES[tasks],
            entry=f"{e.plan.method(name).label}, N = {tasks}",
        )
        for name in names
        for tasks in TASKS
    ]
    panel = Panel(
        stage(size),
        "Total for N domains",
        curves,
        paper=published(material, COLUMNS[1], ("slm_pn",)),
        heading_of_paper="Paper: 1M tokens",
    )
    text = "The paper's SLM-is: below 14.4 for at most 130 GPU-hours a task (text and table 3; no further numbers)."
    return draw_row(material, [panel], of_tasks(e, size), notes=[text])


def figure_8(material: Material) -> Drawing:
    """SLM-mix's expert of the domain's most frequent cluster, had it alone been trained, against SLM-is."""
    e, size = material.evidence, material.evidence.plan.sizes[0]
    curves = []
    if material.present(["slm_mix"]):
        points = [Point(_one_expert(material, size, b), e.macro("slm_mix", size, b)) for b in e.plan.budgets]
        curves.append(Curve("slm_mix", points, label="one expert"))
    curves += by_total_cost(material, material.present(["slm_is"]), size)
    panel = Panel(stage(size), "Specialization", curves)
    text = (
        "One expert: of SLM-mix, a k-th of whose pretraining it costs. Nothing is shared: this is the total cost, too."
    )
    return draw_row(material, [panel], of_one_expert(e), notes=[text])


def figure_9(place: int) -> Callable[[Material], Drawing]:
    """Cost of fine-tuning to the best validation on the `place`-th size, over what is paid before, and in all."""

    def draw(material: Material) -> Drawing:
        e, size = material.evidence, size_of(material, place, f"figure 9{'abc'[place - 1]}")
        names = material.present(SHARED)
        priced = {name: [e.log_finetuning_cost(name, size, b) for b in e.plan.budgets] for name in names}
        axes = {
            "Generic pretraining": by_generic_cost(material, names, size),
            "Total for one domain": by_total_cost(material, names, size),
        }
        panels = [
            Panel(
                f"Fine-tuning: {count(size)} tokens" if place_of == 0 else "… at total cost",
                cost,
                [
                    Curve(
                        curve.method,
                        [Point(p.cost, log) for p, log in zip(curve.points, priced[curve.method], strict=True)],
                    )
                    for curve in curves
                ],
                value="fine-tuning",
                value_unit=e.unit,
                paper=_limits(material, place) if place_of == 0 else {},
                heading_of_paper=f"Paper: {('1M', '8M', '64M')[place - 1]} tokens",
            )
            for place_of, (cost, curves) in enumerate(axes.items())
        ]
        note = f"Bars: {e.bootstrap.level:.0%} intervals over domains. The paper's: GPU-hours of its table 3."
        return draw_row(material, panels, of_fine_tuning(e, names, size), notes=[note], paired=False)

    return draw


def _told(tasks: int, grows: bool) -> str:
    """The label of a curve of N tasks; one for all where their costs can hardly be told apart."""
    return f"N = {tasks}" if grows else f"N = {TASKS[0]} to {TASKS[-1]}"


def _grows(material: Material, name: str, size: int) -> bool:
    few, *_, many = (_for_tasks(material, name, size, material.evidence.plan.budgets_of(name)[-1], n) for n in TASKS)
    return not many < NEAR * few


def _for_tasks(material: Material, name: str, size: int, budget: int, tasks: int) -> float:
    cost = material.evidence.costs(name, size, budget)
    return total(*cost, tasks) if cost else float("nan")


def _one_expert(material: Material, size: int, budget: int) -> float:
    e, cost = material.evidence, material.evidence.costs("slm_mix", size, budget)
    return cost[0] / e.experts("slm_mix") + cost[1] if cost else float("nan")


def _limits(material: Material, place: int) -> PaperCurves:
    """The paper's table 3: fine-tuning GPU-hours of the `place`-th size at the largest pretraining cost."""
    table = material.published("table_3_cost_limits").set_index("model")
    column = f"specialization_{('1M', '8M', '64M')[place - 1]}_gpuh"
    return {
        name: pd.Series({table.loc[IN_PAPER[name], "pretraining_gpuh"]: table.loc[IN_PAPER[name], column]})
        for name in SHARED
    }
