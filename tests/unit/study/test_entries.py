"""Entries of a results folder: trees that mirror the DAG, ids that change with what a run is and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from speclm.stage.files import read_json, write_json
from speclm.study.entries import Entry, read_entries
from speclm.study.points import Point
from unit.study.made_up_folder import write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "toy")


def paths(entries: list[Entry]) -> list[str]:
    """The name of every entry after those of the entries above it."""
    path: dict[str | None, str] = {None: ""}
    for entry in entries:
        path[entry.id] = f"{path[entry.parent]}/{entry.name}"
    return [path[entry.id] for entry in entries]


def by_name(run: Path) -> dict[str, Entry]:
    return {entry.name: entry for entry in read_entries(run)}


def test_trees_mirror_the_dag(run: Path) -> None:
    found = paths(list(read_entries(run)))
    assert [path for path in found if path.count("/") == 1] == [
        "/slm_mix seed17",
        "/pretrain slm all seed17",
        "/study toy",
    ]
    assert "/pretrain slm all seed17/specialize slm law seed17/slm law n10 b100 seed17" in found
    assert "/slm_mix seed17/pretrain slm_mix expert1 seed17" in found
    tuned = "/slm_mix seed17/specialize slm_mix law seed17/slm_mix law n10 b200 seed17 best_finetuned"
    assert [path for path in found if path.startswith(f"{tuned}/")] == [f"{tuned}/expert0", f"{tuned}/expert1"]
    assert len(found) == 23
    assert len({entry.id for entry in read_entries(run)}) == 23


def test_a_model_holds_settings_curve_results_and_costs(run: Path) -> None:
    model = by_name(run)["slm law n10 b200 seed17"]
    assert [point for point in model.points if point.key == "train/loss"] == [
        Point("train/loss", 5.0, 0),
        Point("train/loss", 4.99, 1),
        Point("train/loss", 4.98, 2),
    ]
    alone = {point.key: point.value for point in model.points if point.step == 0 and not point.key.startswith("train")}
    assert (alone["test/perplexity"], alone["cost/seconds_generic"], alone["finetune/valid_nll"]) == (0.5, 7.0, 4.5)
    assert model.parameters == {
        **{"revision": "1", "patience": "3", "method": "slm", "selection": "none"},
        **{"domain": "law", "size": "10", "budget": "200", "seed": "17"},
    }
    expected = {"kind": "model", "method": "slm", "base": "slm", "domain": "law", "size": "10", "budget": "200"}
    assert expected.items() <= model.tags.items()
    assert {"seed": "17", "commit": "4c1e", "expert": "0"}.items() <= model.tags.items()
    assert [path.name for path in model.weights] == ["none.n10.b200.json", "none.n10.b200.safetensors"]
    assert model.seconds == 0.25


def test_curves_of_candidates_are_their_own(run: Path) -> None:
    model = by_name(run)["slm_mix law n10 b200 seed17 best_finetuned"]
    candidates = [entry for entry in read_entries(run) if entry.parent == model.id]
    assert [entry.points[0].value for entry in candidates] == [5.0, 6.0]
    assert [point for point in model.points if point.key == "train/loss"] == list(candidates[1].points)


def test_a_pretraining_holds_costs_and_held_out_perplexity_over_budgets(run: Path) -> None:
    points = by_name(run)["pretrain slm all seed17"].points
    assert {Point("cost/flops", 600, 100), Point("cost/flops", 1200, 200), Point("cost/seconds", 4.0, 200)} <= {*points}
    assert [point[1:] for point in points if point.key == "heldout/perplexity"] == [(10.0, 100), (5.0, 200)]
    mixture = by_name(run)["slm_mix seed17"]
    assert Point("heldout/perplexity", 5.0, 200) in mixture.points
    assert mixture.tags["experts"] == "2"


def test_the_study_holds_verdicts_files_and_macro_perplexities(run: Path) -> None:
    study = by_name(run)["study toy"]
    assert (study.tags["claim.1"], study.tags["claim.2"]) == ("holds", "does not hold")
    kept = {(folder, path.name) for folder, some in study.files.items() for path in some}
    assert {("tables", "table_1.md"), ("figures", "figure_1.png"), ("", "metrics.tsv"), ("", "timings.tsv")} <= kept
    assert {point.key for point in study.points} >= {"perplexity/slm/n10", "perplexity/slm_mix/generic"}


def test_equal_runs_have_equal_ids_whatever_their_seconds(run: Path) -> None:
    first = [entry.id for entry in read_entries(run)]
    timings = pd.read_csv(run / "timings.tsv", sep="\t").assign(seconds_generic=99.0)
    timings.to_csv(run / "timings.tsv", sep="\t", index=False)
    for path in run.rglob("*.summary.json"):
        write_json(path, {**read_json(path), "seconds": 1.5, "host": "elsewhere"})
    assert [entry.id for entry in read_entries(run)] == first


def test_another_setting_makes_new_ids_for_it_and_all_below(run: Path, tmp_path: Path) -> None:
    old = {entry.name: entry.id for entry in read_entries(run)}
    new = {entry.name: entry.id for entry in read_entries(write_run(tmp_path / "again/toy", rate=0.25))}
    below = {name for name in old if name.split()[0] == "slm" or "slm " in name}
    assert {name for name in old if old[name] != new[name]} == below
    assert "pretrain slm all seed17" in below


def test_another_result_of_the_same_settings_is_another_run(run: Path) -> None:
    old = {entry.name: entry.id for entry in read_entries(run)}
    journal = run / "pretrain/slm/all/seed17/metrics.jsonl"
    journal.write_text(journal.read_text().replace("5.5", "5.4"))
    new = {entry.name: entry.id for entry in read_entries(run)}
    changed = {name for name in old if old[name] != new[name]}
    assert {"pretrain slm all seed17", "specialize slm law seed17"} <= changed
    assert not any("slm_mix" in name for name in changed)


def test_a_variant_names_its_base_and_its_rows_are_those_of_the_ablations(run: Path) -> None:
    study = run / "logs/gather_metrics.summary.json"
    variants = [{"method": "slm", "of": "slm_nopt"}]
    write_json(study, {**read_json(study), "settings": {"study": {"variants": variants}}})
    assert by_name(run)["slm law n10 b200 seed17"].tags["base"] == "slm_nopt"
    assert by_name(run)["slm_mix seed17"].tags["base"] == "slm_mix"


def test_parameters_are_text_and_nothing_is_lost(run: Path) -> None:
    for entry in read_entries(run):
        assert all(isinstance(value, str) for value in (*entry.parameters.values(), *entry.tags.values()))
    settings = json.loads(by_name(run)["study toy"].parameters["study"])
    assert settings["methods"] == ["slm", "slm_mix"]


def test_every_entry_says_what_it_is(run: Path) -> None:
    notes = {entry.tags["kind"]: entry.note for entry in read_entries(run)}
    assert set(notes) == {"mixture", "pretraining", "specialization", "model", "candidate", "study"}
    assert notes["mixture"].startswith("slm_mix: 2 experts, ")
    model = by_name(run)["slm law n10 b200 seed17"]
    assert model.note.startswith("slm for law, fine-tuned on 10 tokens of it")
    assert "budget of 200 tokens" in model.note
    assert not any("{" in note for note in notes.values())
