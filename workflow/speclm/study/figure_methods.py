"""Figure 2, drawn by us: what each method does once, what for each domain, and what it serves.

The paper's figure sets distillation against projection; here they stand among the others. It shows no measurements.
"""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from speclm.study.curves import Drawing, Material
from speclm.study.frame import WIDTH, Frame
from speclm.study.style import LOOKS, NOTE, add_axes, new_figure, sheet

# method: what is done once, what for each domain, what is served
STEPS = {
    "slm": (("pretrain SLM",), ("fine-tune",), "small"),
    "slm_is": (
        ("cluster the generic text",),
        ("resample it to the\ndomain's clusters", "pretrain SLM", "fine-tune"),
        "small",
    ),
    "slm_mix": (
        ("pretrain k SLMs,\none for each cluster",),
        ("take the expert of its\nmost frequent cluster", "fine-tune"),
        "small",
    ),
    "slm_pn": (
        ("pretrain k experts that share\nlarge tensors $T$: $W_i=\\Sigma\\,E_i\\,M\\,T$",),
        ("project expert $i$ of its most\nfrequent cluster to an SLM", "fine-tune"),
        "small",
    ),
    "slm_d": (
        ("pretrain SLM", "pretrain LLM"),
        ("fine-tune LLM:\nthe teacher", "fine-tune SLM on labels\nand teacher's distribution"),
        "small",
    ),
    "llm": (("pretrain LLM",), ("fine-tune",), "large"),
}
NAMES = {"slm": "SLM", "slm_is": "SLM-is", "slm_mix": "SLM-mix", "slm_pn": "SLM-pn", "slm_d": "SLM-d", "llm": "LLM"}
FINDING = "SLM-is is pretrained anew for every domain; all others share their pretraining"
ROW = 0.52
COLUMNS = {"once": (0.68, 1.95), "domain": (2.83, 3.1), "served": (6.13, 0.67)}  # left edge and width in inches


def figure_2(material: Material) -> Drawing:
    """The methods as rows of boxes. `material` is not looked at: every study has the same methods to choose from."""
    frame = Frame(FINDING, [])
    with sheet():
        height = ROW * len(STEPS) + 0.45
        figure = new_figure(WIDTH, height + frame.above)
        axes = add_axes(figure, 0, 0, WIDTH, height)
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(0, height)
        axes.axis("off")
        heads = {"once": "Once, for all domains: $C_{generic}$", "domain": "For each domain: $C_{specialization}$"}
        for column, words in {**heads, "served": "Served"}.items():
            left, width = COLUMNS[column]
            axes.text(left + width / 2, height - 0.2, words, ha="center", va="center", fontsize=8)
        for row, method in enumerate(STEPS):
            _draw_row(axes, method, height - 0.45 - ROW * (row + 0.5))
        frame.write(figure)
    rows = [(method, _words(once), _words(domain), served) for method, (once, domain, served) in STEPS.items()]
    return Drawing(figure, frame.finding, pd.DataFrame(rows, columns=["method", "once", "for_each_domain", "served"]))


def _words(steps: tuple[str, ...]) -> str:
    """Steps without the signs of their formula: W_i=Σ E_i M T."""
    signs = {"\n": " ", "$": "", "\\Sigma": "Σ", "\\,": " "}
    words = "; ".join(steps)
    for sign, plain in signs.items():
        words = words.replace(sign, plain)
    return words


def _draw_row(axes: Axes, method: str, middle: float) -> None:
    once, domain, served = STEPS[method]
    colour = LOOKS[method].colour
    axes.text(0.08, middle, NAMES[method], color=colour, fontweight="bold", va="center")
    axes.axhline(middle - ROW / 2, color="#E4E4E4", linewidth=0.6)
    # side by side where one step follows the other; both pretrainings of SLM-d begin alone
    places = _boxes(axes, "once", once, middle, colour) + _boxes(axes, "domain", domain, middle, colour)
    left, width = COLUMNS["served"]
    size = width if served == "large" else 0.62 * width
    places.append(_box(axes, left + (width - size) / 2, middle, size, served, colour, filled=True))
    for (_, start), (end, _) in pairwise(places):
        if method == "slm_d" and start == places[0][1]:
            _pass_under(axes, places[0], places[3], middle)
            continue
        axes.add_patch(
            FancyArrowPatch(
                (start, middle),
                (end, middle),
                arrowstyle="-|>",
                mutation_scale=6,
                color=NOTE,
                linewidth=0.8,
                shrinkA=0,
                shrinkB=0,
            )
        )


def _pass_under(axes: Axes, start: tuple[float, float], end: tuple[float, float], middle: float) -> None:
    """The student's own pretraining goes by the teacher's."""
    (x, y), (u, v) = (sum(start) / 2, middle - 0.13), (sum(end) / 2, middle - 0.18)
    bend = "arc3,rad=0.045"
    arrow = FancyArrowPatch(
        (x, y), (u, v), arrowstyle="-|>", mutation_scale=6, color=NOTE, linewidth=0.8, shrinkA=0, shrinkB=0
    )
    arrow.set_connectionstyle(bend)
    axes.add_patch(arrow)


def _boxes(axes: Axes, column: str, steps: tuple[str, ...], middle: float, colour: str) -> list[tuple[float, float]]:
    """The steps of one column, as wide as their words ask for; returns where each begins and ends."""
    left, width = COLUMNS[column]
    gap = 0.16
    longest = [
        max(len(line.replace("\\Sigma", "S").replace("\\,", "").replace("$", "")) for line in step.split("\n"))
        for step in steps
    ]
    room = width - gap * (len(steps) - 1)
    wanted = [0.055 * letters + 0.14 for letters in longest]
    scale = min(1.0, room / sum(wanted))
    places, x = [], left + (width - scale * sum(wanted) - gap * (len(steps) - 1)) / 2
    for step, size in zip(steps, wanted, strict=True):
        places.append(_box(axes, x, middle, scale * size, step, colour))
        x += scale * size + gap
    return places


def _box(
    axes: Axes, left: float, middle: float, width: float, words: str, colour: str, filled: bool = False
) -> tuple[float, float]:
    red, green, blue = (1 - (0.4 if filled else 0.14) * (1 - part) for part in to_rgb(colour))
    height = 0.36 if "\n" in words or filled else 0.26
    axes.add_patch(
        FancyBboxPatch(
            (left, middle - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=(red, green, blue),
            edgecolor=colour,
            linewidth=0.7,
        )
    )
    axes.text(left + width / 2, middle, words, ha="center", va="center", fontsize=6.4, linespacing=1.1)
    return left, left + width
