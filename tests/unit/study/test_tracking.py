"""An import into MLflow: its client reads back what the results folder holds; again, interrupted, on a full disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speclm.stage.errors import UserError
from speclm.study.entries import Entry, read_entries
from speclm.study.store import open_store
from speclm.study.tracking import Imported, import_entries
from unit.study.made_up_folder import write_run
from unit.study.tracked import address, contents, file_system, history, mount


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    return list(read_entries(write_run(tmp_path_factory.mktemp("results") / "toy")))


@pytest.fixture(scope="module")
def imported(prepared: Path, entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds the entries."""
    database = tmp_path_factory.mktemp("imported") / "mlflow.db"
    shutil.copy(prepared, database)
    assert bring(database, entries) == Imported(new=23, present=0)
    return database


@pytest.fixture
def copied(imported: Path, tmp_path: Path) -> Path:
    """The same, which a test may change."""
    return Path(shutil.copy(imported, tmp_path / "mlflow.db"))


def bring(database: Path, entries: Any, with_weights: bool = False) -> Imported:
    with open_store(address(database)) as client:
        return import_entries(client, "toy", entries, with_weights)


def held(database: Path) -> dict[str, Any]:
    with open_store(address(database)) as client:
        return contents(client, "toy")


def test_every_value_is_read_back(imported: Path, entries: list[Entry]) -> None:
    found = held(imported)
    assert set(found) == {entry.id for entry in entries}
    for entry in entries:
        run = found[entry.id]
        last = {point.key: point.value for point in sorted(entry.points, key=lambda point: point.step)}
        assert (run["name"], run["status"], run["parent"]) == (entry.name, "FINISHED", entry.parent)
        assert run["parameters"] == entry.parameters
        assert run["metrics"] == last
        assert run["curve"] == [(point.step, point.value) for point in entry.points if point.key == "train/loss"]
        assert run["tags"] == {**entry.tags, "entry": entry.id}
        assert run["times"] == (1000 * entry.started, 1000 * (entry.started + entry.seconds))


def test_a_curve_over_budgets_is_read_back(imported: Path) -> None:
    with open_store(address(imported)) as client:
        (experiment,) = client.search_experiments(filter_string="name = 'toy'")
        (study,) = client.search_runs([experiment.experiment_id], "tags.kind = 'study'")
        assert [step for step, _ in history(client, study, "perplexity/slm/n10")] == [100, 200]
        children = client.search_runs([experiment.experiment_id], "tags.method = 'slm' and tags.budget = '200'")
        assert sorted(run.data.tags["size"] for run in children) == ["0", "10"]


def test_tables_and_figures_are_kept(imported: Path) -> None:
    with open_store(address(imported)) as client:
        (experiment,) = client.search_experiments(filter_string="name = 'toy'")
        (study,) = client.search_runs([experiment.experiment_id], "tags.kind = 'study'")
        kept = [
            file.path
            for folder in ("tables", "figures", "")
            for file in client.list_artifacts(study.info.run_id, folder)
        ]
    assert {"tables/table_1.md", "figures/figure_1.png", "metrics.tsv", "claims.tsv"} <= set(kept)
    files = imported.parent / "artifacts/toy" / study.info.run_id / "artifacts"
    assert (files / "tables/table_1.md").read_text() == "| made up |\n"


def test_the_same_again_changes_nothing(copied: Path, entries: list[Entry]) -> None:
    before = copied.read_bytes()
    assert bring(copied, entries) == Imported(new=0, present=23)
    assert copied.read_bytes() == before


def test_other_settings_become_new_runs_and_the_old_ones_stay(copied: Path, tmp_path: Path) -> None:
    before = held(copied)
    changed = list(read_entries(write_run(tmp_path / "toy", rate=0.25)))
    assert bring(copied, changed) == Imported(new=6, present=17)  # slm's pretraining, its specialisation, four models
    after = held(copied)
    assert before.items() <= after.items()
    assert set(after) - set(before) == {entry.id for entry in changed} - set(before)


def test_an_interrupted_import_is_completed(database: Path, imported: Path, entries: list[Entry]) -> None:
    """Stopped between runs, and within one: its values are half there and it does not count as finished."""

    def interrupted() -> Iterator[Entry]:
        yield from entries[:7]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(database, interrupted())
    with open_store(address(database)) as client:
        experiment = client.get_experiment_by_name("toy").experiment_id
        stopped = next(run for run in client.search_runs([experiment]) if run.data.tags["entry"] == entries[6].id)
        client.update_run(stopped.info.run_id, "RUNNING")
    assert bring(database, entries) == Imported(new=17, present=6)
    assert held(database) == held(imported)


def test_weights_on_request_once(copied: Path, entries: list[Entry]) -> None:
    with open_store(address(copied)) as client:
        experiment = client.get_experiment_by_name("toy").experiment_id
        pretrained = client.search_runs([experiment], "tags.kind = 'pretraining' and tags.method = 'slm'")[
            0
        ].info.run_id
        assert client.list_artifacts(pretrained, "weights") == []
        assert import_entries(client, "toy", entries, with_weights=True) == Imported(new=0, present=23)
        names = {Path(file.path).name for file in client.list_artifacts(pretrained, "weights")}
        assert names == {f"b{budget}.{kind}" for budget in (100, 200) for kind in ("json", "safetensors")}
    before = copied.read_bytes()
    bring(copied, entries, with_weights=True)
    assert copied.read_bytes() == before


def test_a_deleted_experiment_is_not_filled(copied: Path, entries: list[Entry]) -> None:
    with open_store(address(copied)) as client:
        client.delete_experiment(client.get_experiment_by_name("toy").experiment_id)
    with pytest.raises(UserError, match='"toy" was deleted\nRemedy: restore it'):
        bring(copied, entries)


def test_a_full_disk_ends_an_import_that_goes_on_when_there_is_room(
    prepared: Path, imported: Path, entries: list[Entry], tmp_path: Path
) -> None:
    room = prepared.stat().st_size // 1024
    with file_system(tmp_path / "disk", f"{room + 60}k") as disk:
        shutil.copy(prepared, disk / "mlflow.db")
        with pytest.raises(UserError, match=r"its disk is full\nRemedy: make room there"):
            bring(disk / "mlflow.db", entries)
        assert mount("-o", f"remount,size={room + 4000}k", str(disk)) == 0
        assert bring(disk / "mlflow.db", entries).new > 0
        assert held(disk / "mlflow.db") == held(imported)
