"""The figure "trend": how far each method is below the SLM at equal cost, over what the SLM has seen.

In the paper's regime small models see hundreds of tokens for each of their parameters. Ours and the paper's points
(table 8) on one axis show whether ours go where the paper's are: log perplexity of the SLM less that of the method at
the same budget, above zero where the method is better. Budgets are costs: a method sees its budget over its relative
cost. At a budget that SLM-is alone has, the SLM's is on the line between its neighbours. Intervals are of differences.

    at 361 tokens a parameter SLM 19.31, SLM-pn 18.57 (the paper, 1M tokens): ln(19.31 / 18.57) = 0.039
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory

from speclm.study.axes import incomplete
from speclm.study.bootstrap import Statistic
from speclm.study.curves import Curve, Drawing, Material, Panel, PaperCurves, Point
from speclm.study.evidence import Evidence
from speclm.study.figure_perplexity import COLUMNS, SHARED, published
from speclm.study.findings import beside
from speclm.study.frame import WIDTH, frame_of
from speclm.study.labels import End, label_ends, spread
from speclm.study.layout import count
from speclm.study.scale import paper_counts
from speclm.study.series import Series, rows_of, series_of, table_of
from speclm.study.style import LOOKS, add_axes, new_figure, sheet
from speclm.study.ticks import log_ticks, plain

METHODS = ("llm", "slm_is", "slm_pn", "slm_mix")
# Of SLM-is the text alone tells: below 14.4 at 1M tokens for at most 130 GPU-hours (table 3).
IMPORTANCE_HOURS, IMPORTANCE_PERPLEXITY = 130.0, 14.4
OF_PAPER = ("C4", "1M", "8M", "64M")
HEIGHT, LEFT, LABELS, BETWEEN, GAP = 1.9, 0.85, 0.72, 0.1, 0.4  # inches
LINEAR = 0.05  # nats: up to here the axis is linear, beyond logarithmic
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)
SMALL = 9.5  # points from one label beside our points to the next
AXIS, VALUE = "tokens a parameter of the SLM", "nats below SLM"
APART = 4  # a factor between our last point and the paper's first that leaves room for labels beside our points


def figure_trend(material: Material) -> Drawing:
    """Generic text, then each size of domain text (our i-th beside the paper's i-th), two panels in a row."""
    e = material.evidence
    panels = [_panel(material, None, 0), *(_panel(material, n, i) for i, n in enumerate(_sizes(material), 1))]
    notes = [
        f"Filled: this study, with {e.bootstrap.level:.0%} intervals of the difference. Hollow: the "
        f"paper (table 8; SLM-is by its text: below {IMPORTANCE_PERPLEXITY} for at most {IMPORTANCE_HOURS:.0f} hours).",
        f"At equal budgets, for each token that the SLM sees: {_tokens(material)} "
        "(the paper: LLM 0.29, SLM-mix 1, SLM-pn 0.61). "
        f"The axis is linear up to {LINEAR:g} nats, logarithmic beyond.",
    ]
    series = [[series_of(e, curve, logs=True) for curve in panel.curves] for panel in panels]
    frame = frame_of(panels, _finding(e, panels[1:]), notes)
    with sheet():
        rows = (len(panels) + 1) // 2
        bottom = 0.5 + frame.below
        figure = new_figure(WIDTH, bottom + rows * HEIGHT + (rows - 1) * GAP + 0.24 + frame.above)
        width = (WIDTH - LEFT - 2 * LABELS - BETWEEN) / 2
        first: Axes | None = None
        for place, (panel, own) in enumerate(zip(panels, series, strict=True)):
            row, column = divmod(place, 2)
            low = bottom + (rows - 1 - row) * (HEIGHT + GAP)
            axes = add_axes(figure, LEFT + column * (width + LABELS + BETWEEN), low, width, HEIGHT)
            first = first or axes
            axes.sharex(first)
            axes.sharey(first)
            _draw(axes, panel, own)
            last = place + 2 >= len(panels)
            axes.set_xlabel("Tokens a parameter of the SLM" if last else "")
            axes.tick_params(labelbottom=last, labelleft=column == 0)
            axes.set_ylabel("Nats below SLM\n(higher is better)" if column == 0 else "")
        for panel, own, axes in zip(panels, series, figure.axes, strict=True):  # all points are there: scales are known
            low, high = axes.get_xlim()
            ticks = log_ticks(low, high, width, 0.4)
            axes.set_xticks(ticks, [plain(tick) for tick in ticks])
            axes.set_xticks([], minor=True)
            axes.set_xlim(low, high)
            _label(axes, material, panel, own)
        frame.write(figure)
    lines = [
        row for panel, own in zip(panels, series, strict=True) for row in rows_of(panel, own, panel.cost, panel.cost)
    ]
    return Drawing(figure, frame.finding, table_of(lines))


def _finding(e: Evidence, panels: Sequence[Panel]) -> str:
    """At the largest budgets, over all sizes of domain text."""
    last: dict[str, list[Statistic]] = {}
    for curve in (curve for panel in panels for curve in panel.curves if curve.points):
        last.setdefault(curve.method, []).append(curve.points[-1].log_value)
    return beside(e, "slm", last) if last else ""


def _panel(material: Material, size: int | None, place: int) -> Panel:
    e = material.evidence

    def value(method: str, budget: int) -> Statistic:
        return e.generic(method, budget) if size is None else e.macro(method, size, budget)

    slm = {budget: value("slm", budget) for budget in e.plan.budgets}
    names = [name for name in material.present(METHODS) if size is not None or e.plan.method(name).generic]
    curves = []
    for name in names if material.present(["slm"]) else []:
        shared = [budget for budget in e.plan.budgets_of(name) if min(slm) <= budget <= max(slm)]
        seen = _tokens_a_parameter(material, shared)
        logs = [_between(slm, budget) - value(name, budget) for budget in shared]
        curves.append(Curve(name, [Point(*point) for point in zip(seen, logs, strict=True)]))
    heading = "Generic text" if size is None else f"After {count(size)} tokens"
    column = ("c4_perplexity", *COLUMNS[1:])[place]
    return Panel(f"{heading} (paper: {OF_PAPER[place]})", AXIS, curves, value=VALUE, paper=_theirs(material, column))


def _between(slm: Mapping[int, Statistic], budget: int) -> Statistic:
    """The SLM at a budget: between two of its own, on the line between them in log budget."""
    budgets = sorted(slm)
    place = float(np.interp(math.log(budget), [math.log(known) for known in budgets], range(len(budgets))))
    left = min(int(place), len(budgets) - 2) if len(budgets) > 1 else 0
    share = place - left
    return slm[budgets[left]] * (1 - share) + slm[budgets[left + 1]] * share if share else slm[budgets[left]]


def _tokens_a_parameter(material: Material, budgets: Sequence[int]) -> list[float]:
    """Of the SLM at these budgets, from what it was trained on at its own."""
    rows = material.evidence.metrics.query("method == 'slm'").groupby("budget")
    seen = (rows["pretrain_tokens"].max() / rows["parameters_serve"].max()).sort_index()
    if seen.empty:
        return [float("nan")] * len(budgets)
    return [float(tokens) for tokens in np.interp(budgets, seen.index.to_numpy(float), seen.to_numpy(float))]


def _theirs(material: Material, column: str) -> PaperCurves:
    """Nats below the SLM by the SLM's tokens a parameter: at the budgets of which the paper prints the SLM."""
    hours = published(material, column, SHARED)
    scale = _paper_scale(material)
    curves = {
        name: (hours["slm"] / series).dropna().map(math.log).rename(lambda hour: hour * scale)
        for name, series in hours.items()
        if name != "slm"
    }
    if column == COLUMNS[1]:
        slm = np.interp(np.log(IMPORTANCE_HOURS), np.log(hours["slm"].index.to_numpy(float)), np.log(hours["slm"]))
        curves["slm_is"] = pd.Series({IMPORTANCE_HOURS * scale: float(slm) - math.log(IMPORTANCE_PERPLEXITY)})
    return curves


def _paper_scale(material: Material) -> float:
    """Tokens a parameter of the paper's SLM that a GPU-hour buys."""
    counts = paper_counts(material.paper)
    return counts.tokens["slm"][0] / counts.parameters["slm"] / 100


def _sizes(material: Material) -> Sequence[int]:
    return material.evidence.plan.sizes[: len(OF_PAPER) - 1]


def _tokens(material: Material) -> str:
    """How many tokens each method sees for one of the SLM at an equal budget, as measured."""
    plan, metrics = material.evidence.plan, material.evidence.metrics
    seen = metrics.loc[metrics["budget"] > 0].groupby("method")[["pretrain_tokens", "budget"]].max()
    shares = seen["pretrain_tokens"] / seen["budget"]
    known = [name for name in material.present(METHODS) if {name, "slm"} <= set(shares.index)]
    return ", ".join(f"{plan.method(name).label} {shares[name] / shares['slm']:.2g}" for name in known)


def _draw(axes: Axes, panel: Panel, series: Sequence[Series]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=LINEAR)
    axes.margins(x=0.06, y=0.08)
    axes.axhline(0, color=LOOKS["slm"].colour, linewidth=1.0, zorder=1)
    for method, points in panel.paper.items():
        look = LOOKS[method]
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markerfacecolor": "white"}
        axes.plot(points.index, points.to_numpy(), linestyle=(0, (3, 2)), linewidth=0.9, **style)
    for s in series:
        axes.errorbar(
            s.x,
            s.y,
            yerr=np.nan_to_num(np.maximum(0, [s.y - s.low, s.high - s.y])),
            color=s.look.colour,
            marker=s.look.marker,
            capsize=3.0,
            elinewidth=0.8,
            capthick=0.8,
            zorder=3,
        )
    incomplete(axes, panel, " ")
    axes.yaxis.set_major_locator(FixedLocator([-tick for tick in TICKS] + [0, *TICKS]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:+g}" if y else "0"))
    axes.yaxis.set_minor_locator(NullLocator())


def _label(axes: Axes, material: Material, panel: Panel, series: Sequence[Series]) -> None:
    """Each method's name once to the right; beside our own points, too, where these lie far from the paper's."""
    plan = material.evidence.plan
    theirs = {
        method: End(float(points.index[-1]), float(points.iloc[-1]), plan.method(method).label, LOOKS[method])
        for method, points in panel.paper.items()
    }
    ours = {s.curve.method: s.end for s in series if s.end}
    apart = bool(ours) and max(end.x for end in ours.values()) * APART < min(end.x for end in theirs.values())
    right = theirs if apart else {**theirs, **ours}
    label_ends(axes, [End(float("nan"), 0.0, "SLM", LOOKS["slm"]), *right.values()])
    if apart:
        _label_beside(axes, list(ours.values()))
    if "slm_is" in theirs:  # a bound: the truth lies above
        arrow = {"arrowstyle": "<-", "color": LOOKS["slm_is"].colour, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 2}
        axes.annotate("", theirs["slm_is"][:2], (0, 11), textcoords="offset points", arrowprops=arrow)


def _label_beside(axes: Axes, ends: Sequence[End]) -> None:
    """Write each label beside the last point of its curve, none on another."""
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = sorted((float(to_axes.transform((x, y))[1]), text, x, look) for x, y, text, look in ends)
    heights = spread([height for height, *_ in wanted], SMALL / (72 * HEIGHT))
    coordinates = blended_transform_factory(axes.transData, axes.transAxes)
    for height, (_, text, x, look) in zip(heights, wanted, strict=True):
        style: dict[str, Any] = {"textcoords": "offset points", "va": "center", "color": look.colour, "fontsize": 7}
        axes.annotate(text, (x, height), (6, 0), xycoords=coordinates, **style)
