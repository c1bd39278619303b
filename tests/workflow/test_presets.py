"""Dry runs of every preset: the jobs that each would run, counted by rule."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2"]


def dry_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*SNAKEMAKE, "--dry-run", "--forceall", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def jobs(output: str) -> dict[str, int]:
    """The table "job count" that Snakemake prints last."""
    table = output.rsplit("Job stats:", 1)[1]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.M)}


LAPTOP = {
    "pretrain_model": 14,  # slm, llm, slm_pn, 8 experts of slm_mix, slm_is for 3 domains
    "specialize_model": 18,  # 6 methods, 3 domains
    "distill_model": 3,
    "evaluate_generic": 4,
    "evaluate_domain": 21,
    "measure_serving": 1,
    "sample_importance": 3,
    "encode_split": 11,
    "embed_split": 5,
}
SMOKE = {
    "pretrain_model": 9,
    "specialize_model": 12,
    "distill_model": 2,
    "evaluate_generic": 4,
    "evaluate_domain": 14,
    "measure_serving": 1,
    "sample_importance": 2,
    "encode_split": 8,
    "embed_split": 4,
}


@pytest.mark.parametrize(("preset", "expected"), [("config", LAPTOP), ("smoke", SMOKE)])
def test_jobs_per_rule(preset: str, expected: dict[str, int]) -> None:
    ended = dry_run("--configfile", f"config/{preset}.yaml")
    assert ended.returncode == 0, ended.stderr
    found = jobs(ended.stdout + ended.stderr)
    assert {rule: found.get(rule) for rule in expected} == expected


def test_a_method_can_be_left_out() -> None:
    ended = dry_run("--config", "methods=['slm']")
    assert ended.returncode == 0, ended.stderr
    found = jobs(ended.stdout + ended.stderr)
    assert (found["pretrain_model"], found["specialize_model"], found.get("distill_model")) == (1, 3, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("sead=3", r'config/config.yaml: unknown key "sead": did you mean "seeds"?'),
        ("context=many", "config/config.yaml: context: 'many' is not of type 'integer'"),
        ("methods=['slm_d']", "slm_d needs slm, which is not among the methods"),
    ],
)
def test_a_bad_configuration_is_refused_before_anything_runs(change: str, message: str) -> None:
    ended = dry_run("--config", change)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert message in said
    assert "Remedy: " in said
    assert "Traceback" not in said
