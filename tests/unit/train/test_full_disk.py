"""A disk that is full at any write ends a stage with the file's name; with room again it ends with the same bytes."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from speclm.model.weights import load_weights
from unit.train.faults import LimitFiles, Writing, in_process
from unit.train.stages import prepared
from unit.train.studies import Study, contents

FILES = {
    "pretrain": [
        r"scratch/fingerprint\.json",
        r"scratch/metrics\.jsonl",
        r"scratch/step00000003\.safetensors",
        r"scratch/b1/step00000002\.safetensors",
        r"scratch/b2/step00000006\.json",
        r"scratch/b2/done\.json",
        r"scratch/checkpoints/b1\.safetensors",
        r"scratch/checkpoints/b2\.json",
        r"all/checkpoints/b2\.safetensors",
        r"all/metrics\.jsonl",
    ],
    "finetune": [
        r"scratch/running/b2\.n96\.expert1/metrics\.jsonl",
        r"scratch/running/b2\.n96\.expert0/step00000003\.safetensors",
        r"scratch/finetunings/b2\.n96\.expert2\.jsonl",
        r"scratch/finetunings/b2\.n96\.expert1\.safetensors",
        r"models/best_finetuned\.n96\.b2\.json",
        r"slm_mix/runs\.json",
    ],
}


@pytest.mark.parametrize("kind", FILES)
def test_no_room_for_any_file(study: Study, kind: str) -> None:
    stage = prepared(kind, study)
    in_process(stage("whole"))
    whole = contents(study.folder / "whole")
    for number, pattern in enumerate(FILES[kind]):
        place = f"cut{number}"
        ended = in_process(stage(place), Writing(pattern), LimitFiles(16, fatal=False))
        told = rf"{study.folder}/{place}/.*{pattern}: cannot be written: File too large\nRemedy: make room on this disk"
        assert ended.code == 1 and re.match(told, ended.said), (pattern, ended)
        refuse_halves(study.folder / place)
        assert in_process(stage(place)).code == 0, pattern
        assert contents(study.folder / place) == whole, pattern


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which root may make and change."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or mount("-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)) != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def mount(*arguments: str) -> int:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode


def test_a_small_disk_that_grows(study: Study, small_disk: Path) -> None:
    prepared("projected", study)("whole")()
    stage = prepared("projected", replace(study, folder=small_disk))
    told, room = [], 16
    while (ended := in_process(stage("whole"))).code:
        assert re.search(r": cannot be written: No space left on device\nRemedy: make room", ended.said), ended
        told.append(ended.said.partition(":")[0])
        refuse_halves(small_disk)
        room += 24
        assert mount("-o", f"remount,size={room}k", str(small_disk)) == 0
    assert len(set(told)) > 2, told
    assert contents(small_disk / "whole") == contents(study.folder / "whole")


def refuse_halves(folder: Path) -> None:
    """Whatever a reader would take for whole is whole."""
    for sidecar in folder.rglob("b[0-9]*.json"):
        load_weights(sidecar.with_suffix(".safetensors"))
