from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch

from speclm.stage.errors import UserError
from speclm.train.checkpoint import Checkpoints, claim


def saved(scratch: Path, *steps: int) -> Checkpoints:
    checkpoints = Checkpoints(scratch)
    for step in steps:
        checkpoints.save(step, {"x": torch.full((3,), float(step))}, {"step": step})
    return checkpoints


def test_returns_what_was_saved_last(tmp_path: Path) -> None:
    tensors, state = saved(tmp_path, 1, 2).load()
    assert tensors["x"].tolist() == [2.0] * 3 and state == {"step": 2}


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path).load() is None and Checkpoints(tmp_path).newest is None


def test_keeps_two(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20, 30)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"step000000{step}.{kind}" for step in (20, 30) for kind in ("json", "safetensors")
    ]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("step00000020.json", "cut"),
        ("step00000020.json", "flip"),
        ("step00000020.safetensors", "cut"),
        ("step00000020.safetensors", "flip"),
        ("step00000020.safetensors", "gone"),
    ],
)
def test_damaged_newest_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, file: str, damage: str
) -> None:
    checkpoints, path = saved(tmp_path, 10, 20), tmp_path / file
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-5] if damage == "cut" else content[:-6] + b"\x00" + content[-5:])
    with caplog.at_level(logging.WARNING):
        tensors, state = checkpoints.load()
    assert state == {"step": 10} and tensors["x"].tolist() == [10.0] * 3
    assert "damaged checkpoint" in caplog.text and "step00000020" in caplog.text


def test_no_byte_of_a_state_can_change_unseen(tmp_path: Path) -> None:
    path = tmp_path / "step00000020.json"
    saved(tmp_path, 10, 20)
    whole = path.read_bytes()
    kept = {file: file.read_bytes() for file in tmp_path.glob("step00000020.*")}
    for place in range(len(whole)):
        for file, content in kept.items():
            file.write_bytes(content)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        _, state = Checkpoints(tmp_path).load()
        # white space and a last line end may change: what they frame is whole
        assert state == {"step": 10} or whole[place : place + 1].isspace(), f"byte {place}: {path.read_text()}"


def test_all_damaged_starts_anew_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = saved(tmp_path, 10, 20)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(b"")
    assert checkpoints.load() is None
    assert f"no whole checkpoint in {tmp_path}: beginning anew" in caplog.text


def test_a_checkpoint_that_cannot_be_read_is_not_taken_for_damaged(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10, 20)
    (tmp_path / "step00000020.json").unlink()
    (tmp_path / "step00000020.json").mkdir()
    with pytest.raises(IsADirectoryError):
        checkpoints.load()
    assert (tmp_path / "step00000020.safetensors").exists()


def test_leftovers_of_a_killed_write_are_removed(tmp_path: Path) -> None:
    leftovers = [tmp_path / ".step00000009.safetensors.part/.tmpAbC", tmp_path / "step00000009.safetensors"]
    leftovers[0].parent.mkdir()
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    saved(tmp_path, 10).load()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step00000010.json", "step00000010.safetensors"]


def test_foreign_fingerprint_is_refused_with_its_keys(tmp_path: Path) -> None:
    claim(tmp_path, {"settings.layers": 4, "revision": 1})
    claim(tmp_path, {"settings.layers": 4, "revision": 1})
    with pytest.raises(UserError, match=r"settings\.layers: 4 there, 5 here") as error:
        claim(tmp_path, {"settings.layers": 5, "revision": 1})
    assert "revision" not in str(error.value)


def test_unwritable_scratch_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        claim(tmp_path / "file" / "scratch", {})
