"""Figure 1, measured: which method is best in every cell of the budgets, beside the tree that the paper draws.

A cell has the colour of its best method, the margin to the runner-up in nats (0.05: a perplexity lower by 5 %) and its
interval. Where that holds 0 the two cannot be told apart, and stripes of the runner-up's colour say so; a tick: the
paper's tree names this method as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, Rectangle

from speclm.study.curves import Drawing, Material
from speclm.study.decision import INFERENCE, Cell, decide
from speclm.study.evidence import Evidence
from speclm.study.findings import of_cells
from speclm.study.frame import INCOMPLETE, WIDTH, Frame, lines_of_missing, wrapped
from speclm.study.layout import count
from speclm.study.panels import UNPAIRED
from speclm.study.style import LOOKS, NOTE, WARNING, add_axes, new_figure, sheet

ROW = 0.56  # inches of a cell's height
SIDE = 0.75  # of the sizes' labels
TREE = 1.6
MAP = WIDTH - SIDE - 0.2 - TREE  # of both maps' cells


def figure_1(material: Material) -> Drawing:
    """The measured map for small and for large inference budgets, and the paper's tree."""
    e, cells = material.evidence, decide(material.evidence)
    missing = sorted({name for cell in cells for name in cell.missing})
    frame = Frame(INCOMPLETE if missing else of_cells(e, cells), _notes(e, missing))
    height = ROW * len(e.plan.sizes)
    with sheet():
        bottom = 0.15 + frame.below
        top = bottom + 2 * height + 0.5 + 0.62
        figure = new_figure(WIDTH, top + frame.above)
        for place, inference in enumerate(reversed(INFERENCE)):
            axes = add_axes(figure, SIDE, bottom + place * (height + 0.5), MAP, height)
            chosen = [cell for cell in cells if cell.inference == inference]
            _draw_map(axes, e, chosen, head=inference == INFERENCE[0])
            words = f"Inference budget: {'the SLM' if inference == 'small' else 'the LLM'}"
            incomplete = any(cell.missing for cell in chosen)
            axes.set_title(
                f"INCOMPLETE: {words}" if incomplete else words,
                color=WARNING if incomplete else "black",
                pad=32 if inference == INFERENCE[0] else 5,
            )
        _draw_tree(add_axes(figure, SIDE + MAP + 0.2, bottom, TREE, top - bottom - 0.28))
        frame.write(figure)
    return Drawing(figure, frame.finding, _table(e, cells))


def _table(e: Evidence, cells: Sequence[Cell]) -> pd.DataFrame:
    """A row for each cell; margins in nats."""
    rows = []
    for cell in cells:
        margin = cell.margin.interval(e.bootstrap.level) if cell.margin else (None, None, None)
        shape = {"inference": cell.inference, "domain_budget": cell.domain_budget, "size": cell.size}
        named = {"best": cell.best, "rival": cell.rival, **dict(zip(("margin", "low", "high"), margin, strict=True))}
        rows.append({**shape, **named, "paper": " ".join(cell.advised)})
    return pd.DataFrame(rows)


def _notes(e: Evidence, missing: Sequence[str]) -> list[tuple[str, str]]:
    text = "Margins over the runner-up in nats, "
    text += f"{e.bootstrap.level:.0%} intervals. " if e.paired else f"{UNPAIRED[0].lower()}{UNPAIRED[1:]} "
    text += "Striped: the runner-up cannot be told from the best. Tick: the paper's tree names it, too. "
    text += f"Costs in {e.unit.name}."
    text += " Question mark: a method that fits was not measured." if missing else ""
    return [*wrapped([text], NOTE), *lines_of_missing(missing)]


def _draw_map(axes: Axes, e: Evidence, cells: Sequence[Cell], head: bool) -> None:
    budgets, sizes = (0, *e.plan.domain_budgets), e.plan.sizes
    axes.set_xlim(0, len(budgets))
    axes.set_ylim(len(sizes), 0)
    axes.axis("off")
    for cell in cells:
        _draw_cell(axes, e, cell, budgets.index(cell.domain_budget), sizes.index(cell.size))
    for row, size in enumerate(sizes):
        axes.text(-0.06, row + 0.5, f"{count(size)}\ntokens", ha="right", va="center", fontsize=7)
    if head:
        for column, budget in enumerate(budgets):
            words = f"SLM-is of {count(budget)}" if budget else "fine-tuning alone"
            axes.annotate(words, (column + 0.5, 0), (0, 4), textcoords="offset points", ha="center", fontsize=7)
        axes.annotate("What one domain may cost:", (0, 0), (0, 16), textcoords="offset points", fontsize=7, color=NOTE)


def _draw_cell(axes: Axes, e: Evidence, cell: Cell, column: int, row: int) -> None:
    place = (column + 0.02, row + 0.04)
    small: dict[str, Any] = {"ha": "center", "va": "center"}
    if cell.best is None:
        axes.add_patch(Rectangle(place, 0.96, 0.92, facecolor="white", edgecolor=WARNING, linewidth=0.6))
        axes.text(column + 0.5, row + 0.5, "not measured", color=WARNING, fontsize=6.5, **small)
        return
    label, wide = e.plan.method(cell.best).label, len(e.plan.domain_budgets) <= 3
    axes.add_patch(Rectangle(place, 0.96, 0.92, facecolor=_tint(LOOKS[cell.best].colour, 0.35), edgecolor="none"))
    mark = " ?" if cell.missing else " ✓" if cell.best in cell.advised else ""
    colour = WARNING if cell.missing else "black"
    axes.text(
        column + 0.5, row + 0.25, label + mark, fontsize=8 if wide else 7, fontweight="bold", color=colour, **small
    )
    if cell.rival is None or cell.margin is None:
        axes.text(column + 0.5, row + 0.62, "nothing else fits", fontsize=6, **small)
        return
    estimate, low, high = cell.margin.interval(e.bootstrap.level)
    if low <= 0:
        stripes = _tint(LOOKS[cell.rival].colour, 0.6)
        axes.add_patch(
            Rectangle(place, 0.96, 0.92, facecolor="none", edgecolor=stripes, hatch="///", linewidth=0, zorder=1.5)
        )
    words = f"{estimate:.3f} over {e.plan.method(cell.rival).label}"
    words += f"\n[{low:.3f}, {high:.3f}]" if e.paired else ""
    axes.text(column + 0.5, row + 0.66, words, fontsize=6.2 if wide else 5.4, linespacing=1.15, **small)


def _draw_tree(axes: Axes) -> None:
    """The paper's figure 1, in our words."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.axis("off")
    axes.set_title("The paper's tree", fontsize=8.5)
    boxes = {
        "inference": (0.52, 0.88, "Large inference\nbudget?", None),
        "llm": (0.16, 0.68, "LLM", "llm"),
        "special": (0.64, 0.62, "Large specialization\nbudget?", None),
        "is": (0.24, 0.36, "SLM-is", "slm_is"),
        "shared": (0.74, 0.30, "SLM-pn,\nSLM-mix", "slm_pn"),
    }
    for start, end, words in (
        ("inference", "llm", "yes"),
        ("inference", "special", "no"),
        ("special", "is", "yes"),
        ("special", "shared", "no"),
    ):
        (x, y), (u, v) = boxes[start][:2], boxes[end][:2]
        axes.add_patch(
            FancyArrowPatch((x, y), (u, v), arrowstyle="-", color=NOTE, linewidth=0.8, shrinkA=0, shrinkB=0, zorder=1)
        )
        axes.text(
            (x + u) / 2 + (0.05 if u > x else -0.05),
            (y + v) / 2,
            words,
            fontsize=6.5,
            color=NOTE,
            ha="left" if u > x else "right",
        )
    for x, y, words, method in boxes.values():
        face = _tint(LOOKS[method].colour, 0.35) if method else "white"
        axes.text(
            x,
            y,
            words,
            ha="center",
            va="center",
            fontsize=7,
            fontweight="bold" if method else "normal",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": face, "edgecolor": NOTE, "linewidth": 0.6},
            zorder=2,
        )


def _tint(colour: str, strength: float) -> tuple[float, float, float]:
    """A colour mixed with white, for text in black upon it."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue
