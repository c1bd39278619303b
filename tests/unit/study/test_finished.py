"""Finished jobs of a results folder: all that are whole, none that is not, and who made what for whom."""

from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.study.finished import makers, read_finished
from unit.study.made_up_folder import write_run


def test_trainings_and_studies_are_told_apart(tmp_path: Path) -> None:
    trainings, studies = read_finished(write_run(tmp_path / "toy"))
    assert [done.job.name for done in trainings] == ["pretrain_model"] * 3 + ["specialize_model"] * 2
    assert [done.job.name for done in studies] == ["gather_metrics"]


def test_a_job_without_one_of_its_outputs_is_not_finished(tmp_path: Path) -> None:
    run = write_run(tmp_path / "toy")
    folder = run / "pretrain/slm/all/seed17"
    (folder / "metrics.jsonl").rename(folder / "elsewhere")
    trainings, _ = read_finished(run)
    assert ("slm", "all") not in {(done.job.wildcards["method"], done.job.wildcards.get("part")) for done in trainings}


def test_who_made_the_inputs_of_whom(tmp_path: Path) -> None:
    trainings, _ = read_finished(write_run(tmp_path / "toy"))
    starts = makers(trainings, "checkpoints")
    named = {done.job.wildcards["method"]: [m.job.wildcards["part"] for m in starts[done]] for done in trainings[3:]}
    assert named == {"slm": ["all"], "slm_mix": ["expert0", "expert1"]}
    assert all(starts[done] == () for done in trainings[:3])


def test_nothing_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no finished training\nRemedy: run the workflow"):
        read_finished(tmp_path)


def test_a_damaged_journal_is_refused_by_name(tmp_path: Path) -> None:
    trainings, _ = read_finished(write_run(tmp_path / "toy"))
    trainings[0].metrics.write_text('{"step": 0, "los')
    with pytest.raises(UserError, match=r"metrics\.jsonl: not valid JSON"):
        trainings[0].journal()
