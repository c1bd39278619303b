from __future__ import annotations

import json
from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.train.journal import Journal


def test_is_cut_back_to_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    journal = Journal(path, 0)
    journal.write({"step": 1})
    size = journal.commit()
    journal.write({"step": 2})
    again = Journal(path, size)
    again.write({"step": 3})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": 1}, {"step": 3}]


def test_begins_empty_where_nothing_was_committed(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("of a run that was killed before it saved\n")
    Journal(tmp_path / "metrics.jsonl", 0)
    assert (tmp_path / "metrics.jsonl").read_text() == ""


def test_a_journal_that_lost_lines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match="shorter"):
        Journal(tmp_path / "metrics.jsonl", 4)


def test_what_json_cannot_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        Journal(tmp_path / "metrics.jsonl", 0).write({"loss": float("nan")})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    journal = Journal(path, 0)
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(UserError, match="cannot be written: No space left"):
        journal.write({"step": 1})
