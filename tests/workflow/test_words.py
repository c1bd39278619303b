"""What a user types about documents of their own reaches the program as typed, through make and Snakemake alike."""

import subprocess
import sys
from pathlib import Path

import pytest

from speclm.data.own import packed_words
from speclm.stage.files import read_documents

ROOT = Path(__file__).parents[2]
ODD = ["notes #2", "2024_01", "0012", "1.10", "it's", 'a "b" c', "no $HOME `date` $(shell date) \\ é", "x ", ""]


@pytest.mark.parametrize("word", ODD)
def test_make_hands_a_word_on_as_typed(tmp_path: Path, word: str) -> None:
    stub = tmp_path / "python"
    stub.write_text('#!/bin/sh\nprintf \'[%s]\' "$ORIGIN" "$LATENCY"\n')
    stub.chmod(0o755)
    complete = tmp_path / "complete"
    complete.touch()
    command = ["make", "specialize", f"BIN={tmp_path}", "-o", ".venv/complete", f"ORIGIN={word}", "LATENCY=2"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == f"[{word}][2]"


@pytest.mark.parametrize("packed", [False, True], ids=["as typed", "as make hands it on"])
def test_the_folder_that_is_named_is_the_one_that_is_read(tmp_path: Path, packed: bool) -> None:
    for name in ("notes #2", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(f"{name}: a text of some length" * 20)
    words = {"domain": str(tmp_path / "notes #2"), "licence": "1.10", "origin": "it's $HOME", "name": "all"}
    given = [packed_words(words)] if packed else [f"{key}={word}" for key, word in words.items()]
    configuration = [ROOT / "config/config.yaml", ROOT / "config/smoke.yaml"]
    options = ["--cores", "1", "--directory", tmp_path, "--configfile", *configuration, "--config", *given]
    command = [sys.executable, "-m", "snakemake", "results/smoke/documents/own/all/00000.jsonl.zst", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr[-2000:]
    (document,) = read_documents(tmp_path / "results/smoke/documents/own/all/00000.jsonl.zst")
    assert document["text"].startswith("notes #2")
