"""One smoke run that all end-to-end tests look at: made in a copy of the tracked files, as a new user has them."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from speclm.stage.files import read_table

ROOT = Path(__file__).parents[2]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]


@dataclass(frozen=True)
class Clone:
    """A copy of the project in a folder of its own."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results/smoke"

    def snakemake(
        self,
        *arguments: str,
        cores: int = 2,
        check: bool = True,
        change: dict[str, Any] | None = None,
        seconds: int = 900,
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with the smoke preset, and with the values of `change` laid over it."""
        (self.folder / "change.yaml").write_text(yaml.safe_dump(change or {}))
        files = ["config/smoke.yaml", *(["change.yaml"] if change else [])]
        command = [*SNAKEMAKE, *arguments, "--cores", str(cores), "--configfile", *files]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=seconds)
        assert not check or ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-6000:]
        return ended

    def start(self) -> subprocess.Popen[str]:
        """Start `make smoke`, in this environment, in a process group of its own."""
        (self.folder / ".venv").mkdir(exist_ok=True)
        (self.folder / ".venv/complete").touch()
        command = ["make", "smoke", f"BIN={Path(sys.executable).parent}"]
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **pipe)


def copy_project(folder: Path) -> Clone:
    """Copy what git tracks, and what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return Clone(folder)


@pytest.fixture(scope="session")
def new_clone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Clone]:
    """Makes a fresh copy of the project each time it is called."""
    return lambda: copy_project(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Clone:
    """The finished smoke run, with its variants: made once, whichever process of these tests needs it first; each of
    them has a copy of its own, to which its tests may add."""
    mine = tmp_path_factory.mktemp("smoke")
    common = (mine.parent if worker_id == "master" else mine.parents[1]) / "smoke"
    common.mkdir(exist_ok=True)
    with (common / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (common / "made").exists():
            copy_project(common / "clone").snakemake("all", "ablations")
            (common / "made").touch()
    return copy_run(Clone(common / "clone"), mine)


def copy_run(run: Clone, folder: Path) -> Clone:
    """A finished run's project and files, in a folder of their own."""
    shutil.copytree(run.folder, folder / "clone", symlinks=True)
    return Clone(folder / "clone")


def stable_bytes(results: Path) -> dict[str, bytes]:
    """Every result that must be the same bytes on every run: all but what is made of measured seconds."""
    names = [
        "metrics.tsv",
        "claims.tsv",
        "claim_parts.tsv",
        "costs.tsv",
        "summary.txt",
        "documents.parquet",
        "splits/report.json",
    ]
    names += ["data_card.md", "croissant.json"]
    tables = [file for file in sorted(results.glob("tables/*")) if file.stem != "table_2"]
    files = [results / name for name in names] + tables + sorted(results.glob("figures/*"))
    files += sorted(results.glob("cards/*/*.md"))
    files += sorted(results.glob("specialize/**/runs.json")) + sorted(results.glob("pretrain/**/*.safetensors"))
    return {str(file.relative_to(results)): file.read_bytes() for file in files}


def assert_same(found: Clone, expected: Clone) -> None:
    """Every result of the methods is there with the bytes that it should have, and nothing half made is left."""
    mine, others = stable_bytes(found.results), stable_bytes(expected.results)
    assert [name for name in mine if mine[name] != others[name]] == []
    methods = read_table(found.folder / "config/methods.tsv")["method"].tolist()
    variants = {name for name in others if Path(name).parts[0] in ("pretrain", "specialize")}
    variants = {name for name in variants if Path(name).parts[1] not in methods}
    assert others.keys() - mine.keys() == variants
    assert not [*found.results.glob("**/.scratch-*/*"), *found.results.glob("**/.*.part")]
