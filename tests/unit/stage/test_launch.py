"""Why several processes of a stage ended, told as one reason. (That they are started and ended: tests/e2e.)"""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import distributed
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from speclm.stage.errors import UserError
from speclm.stage.launch import ERROR_FILE, explain, launch, rank, tell_launcher

LOST_PEER = ("absent", 1)  # the process whose peer was gone: no reason of its own, exit code 1


def failures(*ends: tuple[str, int]) -> list[ProcessFailure]:
    """What torchrun reports of processes that ended with these error files and exit codes."""
    return [ProcessFailure(local_rank, 100 + local_rank, code, path) for local_rank, (path, code) in enumerate(ends)]


def test_a_process_knows_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    assert rank() is None
    monkeypatch.setenv("RANK", "1")
    assert rank() == 1


def test_a_reason_comes_back_word_for_word(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "error.json"
    monkeypatch.setenv(ERROR_FILE, str(path))
    reason = UserError("is empty", where="a.txt", remedy="fill it")
    tell_launcher(str(reason))
    assert str(explain(failures(LOST_PEER, (str(path), 1)), 2, tmp_path)) == str(reason)


def test_a_killed_process_counts_more_than_those_that_it_took_along(tmp_path: Path) -> None:
    for ends in ((LOST_PEER, ("absent", -9)), (("absent", -15), ("absent", -9))):
        assert "process 1 of 2 was ended by SIGKILL" in str(explain(failures(*ends), 2, tmp_path))
    assert "process 0 of 4 was ended by SIGSEGV" in str(explain(failures(("absent", -11)), 4, tmp_path))


def test_an_unexpected_end_leaves_what_was_written_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for local_rank in (0, 1):
        (tmp_path / f"run/attempt_0/{local_rank}").mkdir(parents=True)
        (tmp_path / f"run/attempt_0/{local_rank}/stderr.log").write_text(f"words of {local_rank}")
    said = str(explain(failures(("absent", -15), LOST_PEER), 2, tmp_path))
    assert said.startswith("process 1 of 2 failed with exit code 1\nRemedy: see the log")
    assert "words of 1" in caplog.text and "words of 0" not in caplog.text


def test_a_torch_without_processes_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(distributed, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"engine\.processes: this build of torch has no torch\.distributed"):
        launch("pretrain_model", tmp_path / "job.json", 2)
