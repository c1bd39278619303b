"""The scale of a study beside the paper's: closed forms, the paper's own numbers, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from speclm.model.size import ModelSize, parameter_count
from speclm.stage.files import read_json, read_table
from speclm.study.layout import markdown_rows
from speclm.study.scale import (
    ABOVE,
    BELOW,
    COLUMNS,
    NEAR,
    TOKENS,
    WITHIN,
    Counts,
    compare,
    measured_counts,
    outside,
    paper_counts,
    planned_counts,
    scale_table,
    shown,
    to_text,
)
from unit.study.made_up import PAPER_FOLDER, ROOT

LAPTOP = ROOT / "results/published/laptop"
PAPER = paper_counts(PAPER_FOLDER)
CONFIG = {
    "methods": ["slm", "llm", "slm_mix", "slm_pn", "slm_is", "slm_nopt"],
    "context": 8,
    "tokenizer": {"vocabulary": 100},
    "models": {
        "slm": {"layers": 2, "width": 8, "heads": 2, "inner": 16},
        "llm": {"layers": 2, "width": 16, "heads": 2, "inner": 64},
        "slm_mix": {"experts": 4},
        "slm_pn": {"experts": 2},
        "slm_is": {"clusters": 5},
    },
    "pretrain": {
        "budgets": [1000, 8000],
        "domain_budgets": [1000],
        "relative_cost": {"slm": 1.0, "llm": 4.0, "slm_mix": 1.0, "slm_pn": 2.0, "slm_is": 1.0},
    },
    "specialize": {"sizes": [50, 400]},
}
SLM, LLM = (parameter_count(ModelSize(100, 8, **CONFIG["models"][kind])) for kind in ("slm", "llm"))


def values(scale: pd.DataFrame, number: str, of: str = "", whose: str = "ours") -> list[float]:
    rows = scale.loc[(scale["number"] == number) & (scale["of"] == of), whose]
    return [float(value) for value in rows.dropna()]


def test_a_plan_by_hand() -> None:
    scale = compare(planned_counts(CONFIG, generic=4000, windows=500), PAPER)
    assert scale.columns.tolist() == COLUMNS
    assert values(scale, TOKENS, "SLM") == pytest.approx([1000 / SLM, 8000 / SLM])
    assert values(scale, TOKENS, "LLM") == pytest.approx([250 / LLM, 2000 / LLM])
    assert values(scale, TOKENS, "one expert of SLM-mix") == pytest.approx([250 / SLM, 2000 / SLM])
    assert values(scale, TOKENS, "SLM-pn") == pytest.approx([500 / SLM, 4000 / SLM])
    assert values(scale, TOKENS, "SLM-is") == pytest.approx([1000 / SLM])
    assert values(scale, "domain tokens a parameter") == pytest.approx([50 / SLM, 400 / SLM])
    assert values(scale, "parameters, large over small") == pytest.approx([LLM / SLM])
    assert values(scale, "epochs over the generic text") == [0.25, 2]
    assert values(scale, "windows a cluster", "clusters of SLM-is") == [100]
    assert [values(scale, number) for number in ("experts of SLM-mix", "context in tokens", "layers")] == [
        [4],
        [8],
        [2],
    ]


def test_the_papers_numbers() -> None:
    """Those that the project's notes derive by hand from its tables 1, 2, 3 and 8."""
    scale = compare(PAPER, PAPER)
    assert values(scale, TOKENS, "SLM") == pytest.approx([361, 722, 1443, 2165], abs=0.6)
    assert values(scale, TOKENS, "LLM") == pytest.approx([17, 34, 67, 101], abs=0.5)
    assert values(scale, TOKENS, "one expert of SLM-mix") == pytest.approx([23, 45, 90, 135], abs=0.5)
    assert values(scale, TOKENS, "SLM-is") == pytest.approx([469], abs=0.5)
    assert values(scale, "domain tokens a parameter") == pytest.approx([1 / 126, 8 / 126, 64 / 126])
    assert values(scale, "epochs over the generic text") == pytest.approx([0.29, 0.58, 1.17, 1.75], abs=0.005)
    assert set(scale["place"]) == {WITHIN} and outside(scale) == []


def test_the_paper_preset_is_of_the_papers_scale() -> None:
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    scale = compare(planned_counts(config, generic=156_000_000_000, windows=152_000_000), PAPER)
    scale = scale.loc[scale["of"] != "SLM-is"]  # the paper says only what it costs at most
    budgets = scale.loc[scale["number"].isin([TOKENS, "domain tokens a parameter"])].dropna()
    assert budgets["ours"].to_numpy() == pytest.approx(budgets["paper"].to_numpy(), rel=0.05)
    assert set(scale["place"]) == {WITHIN}


def test_the_gpu_preset_is_in_the_papers_regime() -> None:
    config = yaml.safe_load((ROOT / "config/gpu.yaml").read_text())
    scale = compare(planned_counts(config, generic=3_080_000_000, windows=6_000_000), PAPER)
    assert values(scale, TOKENS, "SLM")[-1] >= 360
    places = scale.drop_duplicates(["number", "of"]).set_index(["number", "of"])["place"]
    assert {places[TOKENS, of] for of in ("SLM", "LLM", "SLM-pn", "one expert of SLM-mix")} == {WITHIN}


def test_what_lies_below_is_said_with_the_papers_range() -> None:
    small = replace(PAPER, tokens={**PAPER.tokens, "slm": [126e6, 6 * 126e6]})
    scale = compare(small, PAPER)
    (words,) = outside(scale)
    told = (
        "tokens a parameter, at most: SLM 6 (the paper's 361 to 2,165): orders of methods there say little of the paper"
    )
    assert words == f"Outside of the paper's range: {told}."
    assert "Outside of the paper's" in to_text(scale, 100)
    many = replace(PAPER, generic=PAPER.generic / 3)
    assert outside(compare(many, PAPER)) == [
        "Outside of the paper's range: epochs over the generic text, at most: 5.2 (the paper's 0.29 to 1.7): text that "
        "is repeated teaches less than new text."
    ]


@given(st.floats(1e-3, 1e5))
def test_our_largest_lies_below_within_or_above(tokens: float) -> None:
    one = replace(PAPER, tokens={"slm": [tokens * 126e6 / 10, tokens * 126e6]})
    scale = compare(one, PAPER)
    places = scale.loc[(scale["number"] == TOKENS) & (scale["of"] == "SLM"), "place"]
    least, most = (tokens * factor for factor in (NEAR, 1 / NEAR))
    assert set(places) == {BELOW if least < 360.7 else ABOVE if most > 2164.6 else WITHIN}
    assert set(scale.loc[scale["of"] == "LLM", "place"]) == {"-"}  # a method that the study does not have


def test_a_run_is_counted_by_what_its_models_saw() -> None:
    """The published laptop run: its steps are whole, and its windows those of its histograms."""
    settings, metrics = read_json(LAPTOP / "run.json")["settings"], read_table(LAPTOP / "metrics.tsv")
    histograms = read_table(LAPTOP / "histograms.tsv")
    counts = measured_counts(settings, metrics, histograms)
    slm = metrics.query("method == 'slm' and domain == 'generic'").sort_values("budget")
    assert counts.tokens["slm"] == slm["pretrain_tokens"].tolist()
    assert counts.parameters["slm"] == slm["parameters_serve"].max()
    mixture = metrics.query("method == 'slm_mix' and domain == 'generic'")["pretrain_tokens"].max()
    assert counts.tokens["slm_mix"][-1] == mixture / settings["models"]["slm_mix"]["experts"]
    assert set(histograms.query("corpus == 'generic'").groupby("k")["windows"].sum()) == {counts.windows}


def test_one_row_for_each_number() -> None:
    table = scale_table(compare(planned_counts(CONFIG, generic=4000, windows=500), PAPER))
    row = table.shown.set_index("number").loc["domain tokens a parameter"]
    assert row["the paper"] == "0.0079 / 0.063 / 0.51"
    assert row["here"] == f"{50 / SLM:.2g} / {400 / SLM:.2g}"
    assert table.shown["number"].is_unique
    assert "156G tokens (known, not in the paper)" in " ".join(table.notes)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0079, "0.0079"), (5.6, "5.6"), (16.8, "17"), (2164.6, "2,165"), (22.8e6, "22.8M"), (float("nan"), "-")],
)
def test_numbers(value: float, text: str) -> None:
    assert shown(value) == text


def test_the_published_table_is_made_again_and_shown() -> None:
    table = (LAPTOP / "tables/scale.md").read_text().splitlines()
    rows = [line for line in table if line.startswith("| ")]
    assert "\n".join(rows) in Path(ROOT / "results/published/README.md").read_text()
    made = compare(
        measured_counts(
            read_json(LAPTOP / "run.json")["settings"],
            read_table(LAPTOP / "metrics.tsv"),
            read_table(LAPTOP / "histograms.tsv"),
        ),
        PAPER,
    )
    assert markdown_rows(scale_table(made).shown) == rows


def test_counts_of_no_run_can_be_made_up() -> None:
    """A study without a projected network or mixture has no rows of theirs filled."""
    bare = Counts({"slm": [1e9]}, {"slm": 1e6, "llm": 6e6}, {}, [1e4], 1e9, 1e6, 128, 4)
    scale = compare(bare, PAPER)
    assert values(scale, "experts of SLM-pn") == [] and values(scale, "experts of SLM-pn", whose="paper") == [32]
