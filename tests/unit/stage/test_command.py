"""Mistakes at the terminal that Snakemake would answer with a traceback."""

from pathlib import Path

import pytest

from speclm.stage.command import check_command, check_targets, rule_names
from speclm.stage.errors import UserError


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    for name in ("Snakefile", "config/config.yaml", "config/smoke.yaml", "mine.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "Snakefile").write_text("rule all:\n    input: []\n\n\nrule ablations:\n    input: []\n")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "",
        "--cores 2 ablations",
        "--configfile config/smoke.yaml",
        "--configfile config/smoke.yaml mine.yaml --cores 1 -- all",
        "--configfile=mine.yaml all",
        "specialize --configfile mine.yaml --config domain=config/smok.yaml",
    ],
)
def test_what_snakemake_takes_passes(clone: Path, command: str) -> None:
    check_command(command.split(), clone, clone)


@pytest.mark.parametrize(
    "command",
    [
        "--configfile config/smok.yaml",
        "--cores 1 --configfile config/smoke.yaml config/smok.yaml",
        "--configfile=config/smok.yaml all",
    ],
)
def test_a_configuration_file_that_is_not_there(clone: Path, command: str) -> None:
    message = r'--configfile: there is no file "config/smok\.yaml": did you mean "config/smoke\.yaml"\?\nRemedy: '
    with pytest.raises(UserError, match=message):
        check_command(command.split(), clone, clone)


def test_a_target_behind_a_configuration_file_is_taken_for_one(clone: Path) -> None:
    with pytest.raises(UserError, match=r'no file "ablations"\nRemedy: .*targets stand before it, or after --'):
        check_command(["--configfile", "mine.yaml", "ablations"], clone, clone)


def test_from_another_folder(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"there is no Snakefile here\nRemedy: cd {clone}, and the same command there"):
        check_command(["--cores", "1"], clone / "config", clone)
    check_command(["--cores", "1", "--snakefile", "../Snakefile"], clone / "config", clone)
    check_command(["--help"], clone / "config", clone)


@pytest.mark.parametrize("name", ["my project", "o'brien", "a$b", "a&b", 'say "x"', "(old)", "a\tb"])
def test_a_path_that_a_shell_reads(clone: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"jobs cannot be started below a folder with .* in its name\nRemedy: move"):
        check_command([], clone, Path("/home/me") / name / "speclm")


@pytest.mark.parametrize("name", ["a-b_c.d+e", "ü", "資料", "me@home,2"])
def test_other_paths_are_good(clone: Path, name: str) -> None:
    check_command([], clone, Path("/home/me") / name / "speclm")


def test_a_target_that_is_almost_a_rule() -> None:
    with pytest.raises(UserError, match=r'there is no target "al": did you mean "all"\?\nRemedy: '):
        check_targets(["al"], ["all", "ablations"])


@pytest.mark.parametrize(
    "command", ["al", "--cores 1 al", "-c2 -n al", "--configfile mine.yaml -- al", "--configfile=mine.yaml al"]
)
def test_a_target_is_found_among_options(clone: Path, command: str) -> None:
    with pytest.raises(UserError, match='there is no target "al"'):
        check_command(command.split(), clone, clone)


@pytest.mark.parametrize(
    "command", ["--cores all", "--quiet al", "--until al", "--config domain=x al", "--cores 1 -- results/al"]
)
def test_what_an_option_takes_is_no_target(clone: Path, command: str) -> None:
    check_command(command.split(), clone, clone)


def test_the_rules_of_this_workflow_are_found() -> None:
    names = rule_names(Path(__file__).parents[3])
    assert {"all", "ablations", "specialize", "pretrain_model", "advise_domain"} <= set(names)


def test_rules_files_and_what_is_near_to_none_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alll").touch()
    check_targets(["all", "results/al", "al.txt", "alll", "other"], ["all", "ablations"])
