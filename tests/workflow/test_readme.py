"""The README is a short front door; its commands, and those of the pages behind it, are good commands."""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from speclm.study.__main__ import main
from speclm.study.gallery import gallery, with_results
from speclm.study.overview import main_table
from speclm.study.published import open_published

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FOLDER = ROOT / "workflow/documentation"
PAGES = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
EVERYTHING = "\n".join([README, *PAGES.values()])
COMMANDS = sorted(
    set(re.findall(r"^(?:\|[^|`]+\| |\| `make [a-z]+` \| )?`?(\.venv/bin/snakemake [^`\n]+)", EVERYTHING, flags=re.M))
)
ELSEWHERE = {"--report", "--sdm"}  # what needs a finished run, or conda
PLAIN = dict(re.findall(r"^\| `make ([a-z]+)` \| (`.+?) \| ", PAGES["guide.md"], flags=re.M))
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.M))


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 100


def test_commands_are_found() -> None:
    assert len(COMMANDS) >= 10
    assert any("specialize" in command for command in COMMANDS) and any("slurm" in command for command in COMMANDS)


@pytest.mark.parametrize("command", [command for command in COMMANDS if not ELSEWHERE & set(command.split())])
def test_a_snakemake_command_is_understood(command: str) -> None:
    dry_run(command)


@pytest.mark.parametrize("target", ["demo", "smoke", "ablations"])
def test_the_command_of_a_make_target_is_understood(target: str) -> None:
    dry_run(shown(target))


def test_every_target_has_its_plain_command() -> None:
    assert set(PLAIN) == TARGETS - {"help"}


@pytest.mark.parametrize(
    "target", sorted({"smoke", "ablations", "track", "check", "crate", "figures", "publish", "bench"})
)
def test_a_plain_command_is_that_of_the_target(target: str) -> None:
    """But for what make adds: the preset, words for the terminal."""
    said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    lines = said.stdout.replace("\\\n", " ").splitlines()
    commands = [set(line.partition(" 2>&1")[0].split()) for line in lines]
    plain = set(PLAIN[target].strip("`").split())
    assert any(plain <= words for words in commands), said.stdout


def test_make_targets_exist() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", EVERYTHING, flags=re.M))
    assert named <= TARGETS
    assert {"demo", "test"} <= set(re.findall(r"^make ([a-z]+)", README, flags=re.M))


def test_scripts_and_modules_exist() -> None:
    for name in re.findall(r"\.venv/bin/python (scripts/\S+\.py)", EVERYTHING):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\.venv/bin/python -m ([\w.]+)", EVERYTHING):
        assert (ROOT / "workflow").joinpath(*name.split("."), "__main__.py").exists(), name


def test_published_results_are_made_again_by_their_commands(tmp_path: Path) -> None:
    students = PAGES["students.md"]
    lines = re.findall(r"^PYTHONPATH=workflow \.venv/bin/python -m speclm\.study (.+)$", students, flags=re.M)
    figure, hours = (shlex.split(line, comments=True) for line in lines)
    assert main([hours[0], "table_3", *hours[1:-1], str(tmp_path / "hours")]) == 0
    assert "in device-hours" in (tmp_path / "hours/tables/table_3.md").read_text()
    assert main([*figure, "--output", str(tmp_path)]) == 0
    for made in tmp_path.rglob("figure_*.*"):
        assert made.read_bytes() == (ROOT / "results/published/laptop/figures" / made.name).read_bytes()
    assert {made.suffix for made in tmp_path.rglob("figure_*.*")} == {".pdf", ".png", ".tsv"}


def test_results_are_those_that_are_published() -> None:
    """Both pages are made from the published files: `make figures` writes them again."""
    assert with_results(ROOT) == README
    assert gallery(ROOT) == (ROOT / "results/published/README.md").read_text()
    rows = README.partition("<!-- results of ")[2].partition("<!-- end of results -->")[0]
    assert len(re.findall(r"^\| (?!method|-)", rows, flags=re.M)) == 8
    assert "**Lower is better.**" in README


def test_the_numbers_of_the_findings_are_measured() -> None:
    (run,) = re.findall(r"<!-- results of (\S+) -->", README)
    measured = {
        cell.split(" [")[0]
        for column in main_table(open_published(run, ROOT).evidence).to_dict("list").values()
        for cell in column
    }
    findings = re.findall(r"^- \*\*.*?(?=^- |^$)", README.partition("## What came out")[2], flags=re.M | re.S)
    assert len(findings) == 3
    for finding in findings:
        told = re.sub(r"[\d,.]+(?: MB| tokens|-gram)", "", finding)  # sizes are no results
        numbers = re.findall(r"\d+(?:\.\d+)?", told)
        assert numbers and set(numbers) <= measured, finding


def test_the_speeds_are_those_of_the_published_benchmark() -> None:
    with (ROOT / "results/published/bench/bench.tsv").open() as table:
        published = {row["name"]: row for row in csv.DictReader(table, delimiter="\t")}
    section = PAGES["engine.md"].partition("## How fast it is")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    assert len(rows) > 10
    for name, value, _, target, reached in rows[1:]:
        row = published[name]
        assert value == (f"{float(row['value']):.4g}" if row["value"] else "-")
        assert (target, reached) == (row["target"], row["reached"])


def test_every_column_of_the_measurements_is_explained() -> None:
    columns = (ROOT / "results/published/laptop/metrics.tsv").read_text().partition("\n")[0].split("\t")
    section = PAGES["students.md"].partition("## The columns of metrics.tsv")[2].partition("\n## ")[0]
    assert set(columns) == set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+)\|", section, flags=re.M))))


def shown(target: str) -> str:
    """The command that a target gives to Snakemake, without what tidies its words."""
    said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    (command,) = re.findall(r"^\.venv/bin/snakemake [^|\n]*?(?= 2>&1 \|)", said.stdout, flags=re.M)
    return command


def dry_run(command: str) -> None:
    command = command.replace(".venv/lib", f"{sys.prefix}/lib")  # a checkout may borrow another's environment
    words = [sys.executable, "-m", "snakemake", "--dry-run", *shlex.split(command)[1:]]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
