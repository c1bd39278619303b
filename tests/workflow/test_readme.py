"""The README's commands are good commands, and the files that it names are there."""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from speclm.stage.files import read_table
from speclm.study.__main__ import main
from speclm.study.layout import signed

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^(?:\| [^|]+\| `)?(\.venv/bin/snakemake [^`\n]+)", README, flags=re.M)))


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--report" not in command])
def test_a_snakemake_command_is_understood(command: str) -> None:
    dry_run(command)


@pytest.mark.parametrize("target", ["demo", "smoke", "ablations"])
def test_the_command_of_a_make_target_is_understood(target: str) -> None:
    shown = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    (command,) = re.findall(r"^\.venv/bin/snakemake [^|\n]*?(?= 2>&1 \|)", shown.stdout, flags=re.M)
    dry_run(command)


def test_make_targets_exist() -> None:
    known = re.findall(r"^([a-z]+(?: [a-z0-9]+)*):", (ROOT / "Makefile").read_text(), flags=re.M)
    targets = {name for names in known for name in names.split()}
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, flags=re.M)) <= targets
    assert {"demo", "test"} <= targets


def test_scripts_and_modules_exist() -> None:
    for name in re.findall(r"\.venv/bin/python (scripts/\S+\.py)", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\.venv/bin/python -m ([\w.]+)", README):
        assert (ROOT / "workflow").joinpath(*name.split("."), "__main__.py").exists(), name


def test_published_results_are_made_again_by_their_commands(tmp_path: Path) -> None:
    lines = re.findall(r"^PYTHONPATH=workflow \.venv/bin/python -m speclm\.study (.+)$", README, flags=re.M)
    figure, hours = (shlex.split(line, comments=True) for line in lines)
    assert main([hours[0], "table_3", *hours[1:], "--output", str(tmp_path / "hours")]) == 0
    assert "in device-hours" in (tmp_path / "hours/tables/table_3.md").read_text()
    assert main([*figure, "--output", str(tmp_path)]) == 0
    for made in tmp_path.rglob("figure_*.*"):
        assert made.read_bytes() == (ROOT / "results/published/laptop/figures" / made.name).read_bytes()
    assert {made.suffix for made in tmp_path.rglob("figure_*.*")} == {".pdf", ".png"}


def test_the_figures_of_the_readme_are_those_of_the_published_run() -> None:
    published = (ROOT / "results/published/laptop/summary.txt").read_text()
    table = published.split("\n\n")[1]
    assert table in README


def test_the_verdicts_of_the_readme_are_those_of_the_published_run() -> None:
    claims = read_table(ROOT / "results/published/laptop/claims.tsv")
    assert len(claims) == 17
    for row in claims.to_dict("records"):
        margin = signed(row["measured"], row["low"], row["high"])
        assert f"| {row['claim']} | {margin} | {row['verdict']} |" in README


def test_the_speeds_of_the_readme_are_those_of_the_published_benchmark() -> None:
    with (ROOT / "results/published/bench/bench.tsv").open() as table:
        published = {row["name"]: row for row in csv.DictReader(table, delimiter="\t")}
    section = README.partition("## How fast it is")[2].partition("\n## ")[0]
    shown = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    assert len(shown) > 10
    for name, value, _, target, reached in shown[1:]:
        row = published[name]
        assert value == (f"{float(row['value']):.4g}" if row["value"] else "-")
        assert (target, reached) == (row["target"], row["reached"])


def dry_run(command: str) -> None:
    words = [sys.executable, "-m", "snakemake", "--dry-run", *shlex.split(command)[1:]]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
