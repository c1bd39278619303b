"""The page of assumptions: every setting once, by its origin, with the paper's value."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from speclm.stage.files import read_table
from speclm.study.assumptions import assumptions, origins_of

ROOT = Path(__file__).parents[3]
ORIGINS = pd.DataFrame(
    [
        ("run", "assumed", "-", "its name"),
        ("models.slm", "derived", "7 layers", "small"),
        ("clip", "paper", "5", "a|b"),
    ],
    columns=["key", "origin", "paper", "note"],
)
CONFIG = {"run": "mine", "models": {"slm": {"layers": 4, "width": 48}}, "clip": 5.0}


def test_settings_stand_under_their_origin() -> None:
    page = assumptions(CONFIG, ORIGINS)
    assert page.startswith(
        "# Assumptions of the study mine\n\nIts settings by their origin: 1 assumed, 1 derived, 1 paper."
    )
    assumed, derived, paper = (page.index(f"\n## {head}") for head in ("Assumed", "Derived", "From the paper"))
    assert assumed < page.index("| `run` | mine | - | its name |") < derived
    assert derived < page.index("| `models.slm` | layers 4, width 48 | 7 layers | small |") < paper
    assert paper < page.index(r"| `clip` | 5.0 | 5 | a\|b |")
    assert "Not listed" not in page and "What other choices change" not in page


def test_a_setting_without_an_origin_is_not_hidden() -> None:
    page = assumptions({**CONFIG, "models": {"slm": {"layers": 4}, "new": {"heads": 2}}}, ORIGINS)
    assert "1 not listed" in page
    assert page.index("## Not listed") < page.index("| `models.new.heads` | 2 | - | - |")


def test_the_sensitivities_follow() -> None:
    page = assumptions(CONFIG, ORIGINS, "**Sensitivity.** …\n")
    assert page.endswith("## What other choices change\n\n**Sensitivity.** …\n")


@pytest.mark.parametrize("preset", ["config", "paper"])
def test_every_setting_of_a_preset_stands_there_once(preset: str) -> None:
    config: dict[str, Any] = yaml.safe_load((ROOT / f"config/{preset}.yaml").read_text())
    origins = read_table(ROOT / "config" / origins_of(config["run"]))
    page = assumptions(config, origins)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert sorted(row.split("`")[1] for row in rows) == sorted(origins["key"])
    assert {row.count(" | ") for row in rows} == {3}


def test_only_the_papers_preset_has_the_papers_origins() -> None:
    assert (origins_of("paper"), origins_of("laptop"), origins_of("gpu")) == (
        "origins-paper.tsv",
        "origins.tsv",
        "origins.tsv",
    )
