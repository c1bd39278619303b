"""The rules by stage as one picture: a box for each stage with its rules, an arrow where one reads what another makes.

In: the files of rules/, each one stage (tables, figures and report are one together), and the jobs that Snakemake would
run. Out: an SVG. An arrow that follows from others is left out at boxes that feed, or are fed by, most of the others:

    text -> tokens -> clusters, tokens -> evaluation, clusters -> evaluation      the second is left out
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.graph import Node

Arrow = tuple[str, str]


@dataclass(frozen=True)
class Stage:
    """A box: the files of its rules, and its place in the picture by column and row."""

    title: str
    files: tuple[str, ...]
    column: int
    row: int
    dashed: bool = False


STAGES = (
    Stage("Text", ("data",), 0, 0),
    Stage("Tokens", ("tokenizer",), 1, 0),
    Stage("Embeddings and clusters", ("cluster",), 2, 0),
    Stage("Importance sampling", ("importance",), 3, 0),
    Stage("Pretraining", ("pretrain",), 3, 1),
    Stage("Specialization", ("specialize",), 2, 1),
    Stage("Distillation", ("distill",), 1, 1),
    Stage("Your own documents", ("own",), 0, 1, dashed=True),
    Stage("Evaluation", ("evaluate",), 2, 2),
    Stage("Tables, figures, report", ("tables", "figures", "report"), 1, 2),
    Stage("Tracking", ("tracking",), 3, 2),
)
# Where a straight arrow would cross a box: how far its middle stands aside, in pixels to the right and down.
BOWS: Mapping[Arrow, tuple[int, int]] = {
    ("Embeddings and clusters", "Evaluation"): (228, 0),
    ("Pretraining", "Distillation"): (0, 75),
    ("Tables, figures, report", "Tracking"): (0, 130),
}
MOST = 2 / 3  # of the other boxes: what has as many neighbours keeps only the arrows that nothing else says
WIDTH, GAP, LINE, HEAD = 208, 60, 15, 34  # pixels: of a box, between boxes, of a rule's name, of a box's title
ROW_GAP = 56


def draw_stages(rules: Path, graphs: Iterable[list[Node]]) -> str:
    """The picture.

    Args:
        rules: the folder of the rules' files.
        graphs: the jobs of each target that it is to show.

    Raises:
        UserError: a file of rules has no box.
    """
    named = _names(rules)
    return _svg(named, _reduced({arrow for nodes in graphs for arrow in _arrows(named, nodes)}))


def _names(rules: Path) -> dict[Stage, list[str]]:
    """The rules of every box, in the order they stand."""
    found = {
        path.stem: re.findall(r"^(?:rule|checkpoint) (\w+):", path.read_text(encoding="utf-8"), flags=re.M)
        for path in sorted(rules.glob("*.smk"))
    }
    known = {file for stage in STAGES for file in stage.files}
    for file, names in found.items():
        if names and file not in known:
            raise UserError(
                "has no box in the picture of the stages", where=rules / f"{file}.smk", remedy="add a Stage"
            )
    return {stage: [name for file in stage.files for name in found[file]] for stage in STAGES}


def _arrows(named: Mapping[Stage, list[str]], nodes: list[Node]) -> set[Arrow]:
    box = {rule: stage.title for stage, names in named.items() for rule in names}
    pairs = {(box.get(nodes[need].rule), box.get(node.rule)) for node in nodes for need in node.needs}
    return {(a, b) for a, b in pairs if a and b and a != b}


def _reduced(arrows: set[Arrow]) -> list[Arrow]:
    """Without the arrows at the busiest boxes that a way over other boxes says as well."""
    titles = [stage.title for stage in STAGES]
    after = {title: {b for a, b in arrows if a == title} for title in titles}
    before = {title: {a for a, b in arrows if b == title} for title in titles}
    busy = MOST * (sum(bool(after[title] or before[title]) for title in titles) - 1)

    def implied(start: str, end: str) -> bool:
        reached, ahead = {start}, list(after[start] - {end})
        while ahead:
            place = ahead.pop()
            if place not in reached:
                reached.add(place)
                ahead += after[place]
        return end in reached

    kept = [(a, b) for a, b in arrows if max(len(after[a]), len(before[b])) < busy or not implied(a, b)]
    return sorted(kept, key=lambda arrow: (titles.index(arrow[0]), titles.index(arrow[1])))


def _svg(named: Mapping[Stage, list[str]], arrows: list[Arrow]) -> str:
    rows = range(max(stage.row for stage in STAGES) + 1)
    tall = [max(HEAD + LINE * len(names) for stage, names in named.items() if stage.row == row) for row in rows]
    top = [GAP // 2 + sum(tall[:row]) + ROW_GAP * row for row in rows]
    boxes = {
        stage.title: (GAP // 2 + (WIDTH + GAP) * stage.column, top[stage.row], HEAD + LINE * len(names))
        for stage, names in named.items()
    }
    width = GAP + max(x + WIDTH for x, _, _ in boxes.values()) - GAP // 2
    height = top[-1] + tall[-1] + GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<title>The rules of the workflow by stage</title>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8Z" fill="#555"/></marker></defs>',
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
        *(_path(arrow, boxes, both=arrow[::-1] in arrows) for arrow in arrows),
        *(line for stage, names in named.items() for line in _box(stage, names, *boxes[stage.title])),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(stage: Stage, names: list[str], x: int, y: int, height: int) -> list[str]:
    dashes = ' stroke-dasharray="5 4"' if stage.dashed else ""
    return [
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="7" fill="#eaf3fa" stroke="#0072b2"{dashes}/>',
        f'<text x="{x + 10}" y="{y + 20}" font-size="13" font-weight="bold">{escape(stage.title)}</text>',
        *(
            f'<text x="{x + 10}" y="{y + HEAD + 4 + LINE * place}" font-size="11.5" font-family="monospace" '
            f'fill="#444">{escape(name)}</text>'
            for place, name in enumerate(names)
        ),
    ]


def _path(arrow: Arrow, boxes: Mapping[str, tuple[int, int, int]], both: bool) -> str:
    """From edge to edge of two boxes; two arrows between the same boxes stand side by side."""
    (x1, y1), (x2, y2) = (_middle(boxes[title]) for title in arrow)
    right, down = BOWS.get(arrow, (0, 0))
    shift = (10 if (x1, y1) < (x2, y2) else -10) if both else 0
    y1, y2 = y1 + shift, y2 + shift
    aside = (x1 + x2) / 2 + right, (y1 + y2) / 2 + down
    start = _edge((x1, y1), aside if right or down else (x2, y2), boxes[arrow[0]])
    end = _edge((x2, y2), aside if right or down else (x1, y1), boxes[arrow[1]])
    way = f"Q{aside[0]:.0f} {aside[1]:.0f} " if right or down else "L"
    return (
        f'<path d="M{start[0]:.0f} {start[1]:.0f} {way}{end[0]:.0f} {end[1]:.0f}" fill="none" stroke="#555" '
        f'stroke-width="1.5" marker-end="url(#head)"><title>{escape(" → ".join(arrow))}</title></path>'
    )


def _middle(box: tuple[int, int, int]) -> tuple[float, float]:
    x, y, height = box
    return x + WIDTH / 2, y + height / 2


def _edge(inside: tuple[float, float], outside: tuple[float, float], box: tuple[int, int, int]) -> tuple[float, float]:
    """Where the line from a point in a box to one beyond it leaves the box."""
    x, y, height = box
    shares = [1.0]
    for place, towards, low, high in (
        (inside[0], outside[0], x, x + WIDTH),
        (inside[1], outside[1], y, y + height),
    ):
        step = towards - place
        if step:
            shares.append(((high if step > 0 else low) - place) / step)
    share = min(shares)
    return inside[0] + share * (outside[0] - inside[0]), inside[1] + share * (outside[1] - inside[1])
