"""What is typed: words that make and Snakemake take, or a refusal with what is near; a stop that is told to the end."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Stands in the place of Snakemake: it needs a while to end, and says so at the end.
SLOW = """#!/usr/bin/env bash
trap 'sleep 0.3; echo "What was finished is kept" >&2; exit 1' INT
echo started
while true; do sleep 0.05; done
"""


def make(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = ["make", "--old-file=.venv/complete", f"PYTHON={sys.executable}", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_target_that_is_not_there() -> None:
    ended = make("dmo")
    assert ended.returncode != 0
    assert 'There is no target "dmo": did you mean "demo"?\nRemedy: one of ablations, ' in ended.stderr


@pytest.mark.parametrize("target", ["demo", "ablations", "specialize", "track", "report"])
def test_a_preset_that_is_not_there(target: str) -> None:
    ended = make(target, "PRESET=smok")
    assert ended.returncode != 0
    assert 'there is no preset "smok"\nRemedy: take one of laptop' in ended.stderr


@pytest.mark.parametrize(("target", "file"), [("smoke", "smoke"), ("laptop", "config")])
def test_the_demo_of_a_preset_is_that_presets_run(target: str, file: str) -> None:
    for command in (make("--dry-run", "demo", f"PRESET={target}"), make("--dry-run", "ablations", f"PRESET={target}")):
        assert f"--configfile config/{file}.yaml" in command.stdout
    assert f"cat results/{target}/summary.txt" in make("--dry-run", "demo", f"PRESET={target}").stdout


@pytest.mark.parametrize("target", ["smoke", "study"])
def test_what_is_of_one_preset_takes_no_other(target: str) -> None:
    ended = make(target, "PRESET=paper")
    assert ended.returncode != 0 and "Remedy: make demo PRESET=paper" in ended.stderr


@pytest.mark.parametrize("name", ["my project", "o'brien"])
def test_a_path_that_a_shell_reads_is_refused_before_anything_is_installed(tmp_path: Path, name: str) -> None:
    clone = tmp_path / name
    (clone / "envs").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", clone)
    for path in (ROOT / "envs").glob("*.*"):
        shutil.copy(path, clone / "envs")
    ended = subprocess.run(
        ["make", "demo", f"PYTHON={sys.executable}"], cwd=clone, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode != 0
    assert "jobs cannot be started below a folder with a blank" in ended.stderr and "Remedy: move" in ended.stderr
    assert not (clone / ".venv").exists()


def hear_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_the_last_words_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "snakemake").write_text(SLOW)
    (tmp_path / "snakemake").chmod(0o755)
    command = ["make", "--old-file=.venv/complete", "demo", f"BIN={tmp_path}"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, preexec_fn=hear_ctrl_c, **pipe)
    while "started" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to make, Snakemake and what tidies its words
    assert "What was finished is kept" in process.communicate(timeout=60)[0]


def test_the_command_that_is_installed_looks_through_its_words_first(tmp_path: Path) -> None:
    """By the Python beside it, wherever the clone has been moved to since."""
    install = (ROOT / "envs/install.sh").read_text()
    (block,) = re.findall(r"^if \[ -f scripts/_snakemake\.py \].*?^fi$", install, flags=re.M | re.S)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/_snakemake.py").touch()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    subprocess.run(["bash", "-euc", block], cwd=tmp_path, check=True)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    command = [moved / ".venv/bin/snakemake", "--config", "origin=two  words #1"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [f"{moved}/.venv/bin/../../scripts/_snakemake.py", "--config", "origin=two  words #1"]


def test_the_rule_graph_is_drawn_without_a_number_of_cores() -> None:
    command = [sys.executable, "-m", "snakemake", "--rulegraph"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0 and ended.stdout.startswith("digraph"), ended.stderr[-2000:]


def test_snakemakes_command_refuses_before_it_starts() -> None:
    command = [sys.executable, "scripts/_snakemake.py", "--cores", "1", "--configfile", "config/smok.yaml"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert 'ERROR: --configfile: there is no file "config/smok.yaml": did you mean "config/smoke.yaml"' in ended.stderr
