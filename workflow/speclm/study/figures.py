"""The paper's figures from our results: figure 3 (generic perplexity) and figure 4 (macro perplexity over the domains).

In: the results (`Evidence`) and the folder with the paper's numbers. Out: a figure of two panels, ours over FLOPs and
the paper's points (table 8) over GPU-hours, since the two costs are not comparable. A horizontal line would hide
what SLM-is costs: it is drawn, as in the paper, and its points stand at their own total cost as well.
Measurements that are missing leave a gap, and the figure names them.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from speclm.stage.errors import UserError
from speclm.study.bootstrap import Statistic, mean
from speclm.study.evidence import Evidence
from speclm.study.layout import count
from speclm.study.style import LOOKS, WARNING, add_axes, label_at_right, new_figure, sheet

SERIES = ("slm", "slm_mix", "slm_pn", "llm")
WIDTH = 6.6  # inches: the text width of most journals
NOTE = "Bars: {level:.0%} intervals for comparing points, paired by document"


@dataclass(frozen=True)
class Point:
    """One measurement of a curve: its cost in FLOPs and its log perplexity."""

    cost: float
    log_perplexity: Statistic


Curves = Mapping[str, list[Point]]


def make_figure(name: str, evidence: Evidence, paper: Path) -> Figure:
    """The paper's figure of this name ("3", "4a" to "4d").

    Raises:
        UserError: an unknown name, or a figure of a domain size that the study does not have.
    """
    if name not in FIGURES:
        raise UserError(f'there is no figure "{name}"', key="figure", remedy=f"ask for one of {', '.join(FIGURES)}")
    return FIGURES[name](evidence, paper)


def figure_3(evidence: Evidence, paper: Path) -> Figure:
    """Perplexity on held-out generic text against the cost of generic pretraining."""
    curves = {
        method: [
            Point(_generic_cost(evidence, method, budget), evidence.generic(method, budget))
            for budget in evidence.plan.budgets
        ]
        for method in _present(evidence, SERIES)
    }
    return _two_panels(
        evidence,
        curves,
        _paper_curves(paper, "c4_perplexity"),
        heading="Generic text, held out",
        paper_heading="The paper: C4",
        cost="Generic pretraining",
    )


def figure_4(place: int) -> Callable[[Evidence, Path], Figure]:
    """Macro perplexity over the domains before fine-tuning (`place` 0), or after it on the `place`-th size."""
    column = ("pile_pretrained_only", "pile_finetuned_1M", "pile_finetuned_8M", "pile_finetuned_64M")[place]
    stage = ("before fine-tuning", "1M tokens", "8M tokens", "64M tokens")[place]

    def draw(evidence: Evidence, paper: Path) -> Figure:
        if place > len(evidence.plan.sizes):
            raise UserError(
                f"figure 4{'abcd'[place]} shows domain size number {place}, the study has {len(evidence.plan.sizes)}",
                key="specialize.sizes",
                remedy="give three sizes, or do not ask for this figure",
            )
        size = (0, *evidence.plan.sizes)[place]
        curves = {
            method: [
                Point(_total_cost(evidence, method, size, budget), evidence.macro(method, size, budget))
                for budget in evidence.plan.budgets
            ]
            for method in _present(evidence, (*SERIES, "slm_is"))
        }
        return _two_panels(
            evidence,
            curves,
            _paper_curves(paper, column),
            heading=f"Domains, fine-tuned on {count(size)} tokens" if size else "Domains, before fine-tuning",
            paper_heading=f"The paper: {stage}",
            cost="Training for one domain",
        )

    return draw


FIGURES: Mapping[str, Callable[[Evidence, Path], Figure]] = {
    "3": figure_3,
    "4a": figure_4(0),
    "4b": figure_4(1),
    "4c": figure_4(2),
    "4d": figure_4(3),
}


def _two_panels(
    evidence: Evidence,
    curves: Curves,
    paper: Mapping[str, pd.Series],
    *,
    heading: str,
    paper_heading: str,
    cost: str,
) -> Figure:
    """Ours to the left with intervals, the paper's to the right."""
    shared = _shared_variation([point.log_perplexity for points in curves.values() for point in points])
    missing = sorted({name for points in curves.values() for point in points for name in point.log_perplexity.missing})
    with sheet():
        lines = _missing_lines(missing)
        bottom = 0.62 + 0.13 * len(lines)
        figure = new_figure(WIDTH, bottom + 2.1 + 0.3)
        ours = add_axes(figure, 0.55, bottom, 2.7, 2.1)
        theirs = add_axes(figure, 4.3, bottom, 1.7, 2.1)
        labels = [
            label for method, points in curves.items() for label in _curve(ours, evidence, method, points, shared)
        ]
        _finish(ours, f"INCOMPLETE: {heading}" if missing else heading, cost, WARNING if missing else "black")
        ours.set_ylabel("perplexity" if cost.startswith("Generic") else "macro perplexity")
        _label_flops(ours, cost)
        label_at_right(ours, labels)
        ours.annotate(
            NOTE.format(level=evidence.bootstrap.level),
            (0, 0),
            (0, -36),
            "axes fraction",
            textcoords="offset points",
            color="#666666",
            fontsize=6.5,
        )
        figure.text(0.08 / WIDTH, 0.04 / (bottom + 2.4), "\n".join(lines), color=WARNING, fontsize=6.5, va="bottom")
        for method, series in paper.items():
            theirs.plot(series.index, series.to_numpy(), color=LOOKS[method].colour, marker=LOOKS[method].marker)
        _finish(theirs, paper_heading, "Pretraining (GPU-hours)", "black")
        theirs.set_xticks([100, 200, 400, 600], ["100", "200", "400", "600"])
        ends = {method: float(series.iloc[-1]) for method, series in paper.items()}
        label_at_right(theirs, [(y, evidence.plan.method(m).label, LOOKS[m].colour) for m, y in ends.items()])
    return figure


def _missing_lines(missing: list[str]) -> list[str]:
    if not missing:
        return []
    shown = "; ".join(missing[:4]) + (f"; and {len(missing) - 4} more" if len(missing) > 4 else "")
    return textwrap.wrap(f"Missing measurements: {shown}", 118)


def _shared_variation(statistics: list[Statistic]) -> Statistic:
    """What the replicates of all points have in common: documents that are hard for one model are hard for all.

    Without it an interval tells how surely a point lies above or below another (Cousineau's within-subject interval).
    """
    known = [statistic for statistic in statistics if not statistic.missing]
    common = mean(known or statistics)
    return common.shift(-float(common.values[0]))


def _curve(
    axes: Axes, evidence: Evidence, method: str, points: list[Point], shared: Statistic
) -> list[tuple[float, str, str]]:
    """Draw one method's curve with its intervals; return its label, none where nothing was measured."""
    look = LOOKS[method]
    intervals = [np.exp((point.log_perplexity - shared).interval(evidence.bootstrap.level)) for point in points]
    estimate, low, high = np.array(intervals).T
    axes.errorbar(
        [point.cost for point in points],
        estimate,
        yerr=np.maximum(0, [estimate - low, high - estimate]),
        color=look.colour,
        marker=look.marker,
        capsize=2.5,
        elinewidth=0.8,
        capthick=0.8,
        zorder=3,
    )
    known = estimate[~np.isnan(estimate)]
    if not len(known):
        return []
    if method == "slm_is":
        axes.axhline(known[-1], color=look.colour, linestyle=(0, (4, 2)), linewidth=0.9, zorder=1)
    return [(float(known[-1]), evidence.plan.method(method).label, look.colour)]


def _finish(axes: Axes, heading: str, cost: str, colour: str) -> None:
    axes.set_title(heading, color=colour)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(cost)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda perplexity, _: f"{perplexity:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _label_flops(axes: Axes, cost: str) -> None:
    """Ticks in thousands, millions, … of FLOPs, the power of ten in the axis label."""
    exponent = 3 * math.floor(math.log10(axes.get_xlim()[1]) / 3)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda flops, _: f"{flops / 10**exponent:g}"))
    axes.set_xlabel(f"{cost} ($10^{{{exponent}}}$ FLOPs)")


def _present(evidence: Evidence, names: tuple[str, ...]) -> list[str]:
    chosen = {method.name for method in evidence.plan.methods}
    return [name for name in names if name in chosen]


def _paper_curves(paper: Path, column: str) -> dict[str, pd.Series]:
    """The paper's table 8: perplexity by GPU-hours for every method of `SERIES`."""
    table = pd.read_csv(paper / "table_8_perplexity_by_cost.csv")
    names = dict(zip(SERIES, ("SLM", "SLM-mix", "SLM-pn", "LLM"), strict=True))
    return {method: table.loc[table["model"] == model].set_index("gpuh")[column] for method, model in names.items()}


def _generic_cost(evidence: Evidence, method: str, budget: int) -> float:
    rows = evidence.metrics.loc[(evidence.metrics["method"] == method) & (evidence.metrics["budget"] == budget)]
    return float(rows["flops_generic"].mean())


def _total_cost(evidence: Evidence, method: str, size: int, budget: int) -> float:
    cost = evidence.costs(method, size, budget)
    return sum(cost) if cost else float("nan")
