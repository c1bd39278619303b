"""What a run was made with: read from its logs or its published record, and told apart by key."""

from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.study.record import DECIDING, differences, read_record
from speclm.study.reference import expected_settings
from unit.study.made_up import ROOT
from unit.study.made_up_runs import CONFIG, write_run


def test_a_run_tells_its_settings_and_where_it_was_made(tmp_path: Path) -> None:
    record = read_record(write_run(tmp_path, 18))
    assert record.settings["study"]["seeds"] == [18]
    assert all(record.settings[section] == CONFIG[section] for section in DECIDING)
    assert record.origin == {
        "commit": f"{18:040d}",
        "dirty": False,
        "processor": "a processor",
        "started": "2026-11-21T12:00:00",
    }
    assert differences(expected_settings(CONFIG), record.settings) == []


def test_published_results_are_a_run() -> None:
    record = read_record(ROOT / "results/published/laptop")
    assert record.settings["study"]["seeds"] == [17] and len(record.origin["commit"]) == 40


@pytest.mark.parametrize("name", ["metrics.tsv", "logs/gather_metrics.summary.json", "logs/make_table/1.job.json"])
def test_an_unfinished_run_is_refused(name: str, tmp_path: Path) -> None:
    (write_run(tmp_path, 18) / name).unlink()
    with pytest.raises(UserError, match=rf"{name}: is not there\nRemedy: run the workflow"):
        read_record(tmp_path)


def test_differences_are_told_by_key() -> None:
    expected = expected_settings(CONFIG)
    given = expected_settings(
        CONFIG
        | {"pretrain": CONFIG["pretrain"] | {"budgets": [100, 200], "learning_rate": {"slm": 2e-4}}, "domains": ["law"]}
        | {"distill": {"weight": 0.5, "teacher_budget": None}, "clusters": {"k": [4, 8]}}
    )
    assert differences(expected, given) == [
        "domains is ['law'], not ['law', 'maths', 'web']",
        "pretrain.budgets is [100, 200], not [100, 200, 400]",
        "pretrain.learning_rate.slm is 0.0002, not 0.0001",
    ]


def test_sections_that_one_does_not_know_are_not_compared_but_lists_are() -> None:
    expected = expected_settings(CONFIG)
    older = {"study": expected["study"] | {"sizes": [1]}, "context": 1024}
    assert differences(expected, older) == ["specialize.sizes is [1], not [1000, 8000, 64000]"]
