"""The picture of the stages: every rule in one box, arrows as by hand, and the guide's picture is that of the rules."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from speclm.stage.chart import STAGES, draw_stages
from speclm.stage.errors import UserError
from speclm.stage.graph import Node

ROOT = Path(__file__).parents[3]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(rules: Path, jobs: list[Node]) -> tuple[set[str], list[str]]:
    """The arrows of a picture, and its words."""
    picture = ElementTree.fromstring(draw_stages(rules, [jobs]))
    arrows = {title.text or "" for title in picture.iterfind(f"{SVG}path/{SVG}title")}
    return arrows, [text.text or "" for text in picture.iterfind(f"{SVG}text")]


def made_up(folder: Path, *more: str) -> Path:
    """Each file of rules with one rule of its name."""
    for file in [*(file for stage in STAGES for file in stage.files), *more]:
        (folder / f"{file}.smk").write_text(f"rule make_{file}:\n    output:\n")
    return folder


def test_each_rule_stands_once_in_its_box(tmp_path: Path) -> None:
    _, words = drawn(made_up(tmp_path), [])
    assert sorted(words) == sorted(
        [*(stage.title for stage in STAGES), *(f"make_{file}" for stage in STAGES for file in stage.files)]
    )


def test_an_arrow_for_each_need_between_two_boxes(tmp_path: Path) -> None:
    jobs = [
        Node("make_data", {}, ()),
        Node("make_tokenizer", {}, (0,)),
        Node("make_tables", {}, (1,)),
        Node("make_figures", {}, (2,)),  # of the same box
        Node("all", {}, (3,)),  # of none
    ]
    arrows, _ = drawn(made_up(tmp_path), jobs)
    assert arrows == {"Text → Tokens", "Tokens → Tables, figures, report"}


def test_what_follows_from_others_is_left_out_at_a_busy_box(tmp_path: Path) -> None:
    """Tokens go to all of a chain; in a chain of five boxes four are most, so only the first arrow of tokens stays."""
    chain = ("tokenizer", "cluster", "importance", "pretrain", "specialize")
    jobs = [
        Node(f"make_{file}", {}, tuple({0, max(0, place - 1)} if place else ())) for place, file in enumerate(chain)
    ]
    arrows, _ = drawn(made_up(tmp_path), jobs)
    assert arrows == {
        "Tokens → Embeddings and clusters",
        "Embeddings and clusters → Importance sampling",
        "Importance sampling → Pretraining",
        "Pretraining → Specialization",
    }


def test_a_file_without_a_box_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no box"):
        drawn(made_up(tmp_path, "more"), [])


def test_the_guide_shows_the_rules_as_they_are(tmp_path: Path) -> None:
    made = tmp_path / "stages.svg"
    subprocess.run([sys.executable, "scripts/_chart.py", made], cwd=ROOT, check=True, timeout=120)
    shown = ROOT / "workflow/documentation/stages.svg"
    assert made.read_bytes() == shown.read_bytes(), "draw it again: .venv/bin/python scripts/_chart.py"
    assert "](stages.svg)" in (ROOT / "workflow/documentation/guide.md").read_text()
