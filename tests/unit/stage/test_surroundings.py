"""A terminal's display and a home of no use do not reach the figures and Snakemake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from speclm.stage.surroundings import cache_folder, settle

ROOT = Path(__file__).parents[3]
JUPYTER = "module://no_such_module.backend_inline"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `settle` changes is put back after each test."""
    monkeypatch.chdir(tmp_path)
    for name in ("MPLBACKEND", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.mark.parametrize("home", ["/dev/null/home", "~nobody_is_called_so"])
def test_a_home_that_cannot_be_written_is_not_written(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", home)
    settle()
    assert cache_folder() == tmp_path / ".snakemake/cache"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("~")]


def test_a_home_that_can_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settle()
    assert cache_folder() == tmp_path / "home/.cache" and "XDG_CACHE_HOME" not in os.environ


def test_a_folder_for_caches_of_ones_own_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/dev/null/home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    settle()
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.parametrize(
    "command",
    [
        "import sys; sys.path.insert(0, 'scripts'); import _bootstrap",
        "from speclm.study.__main__ import main; main(['no_such_preset'])",
    ],
    ids=["every script", "published results"],
)
def test_figures_are_drawn_in_jupyters_terminal(command: str) -> None:
    """Where that names a backend which is not here, nothing but the import of matplotlib fails."""
    surroundings = {**os.environ, "MPLBACKEND": JUPYTER, "PYTHONPATH": str(ROOT / "workflow")}
    draws = f"{command}; from speclm.study import style; print(style.new_figure(1, 1).canvas)"
    ended = subprocess.run(
        [sys.executable, "-c", draws], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0 and "FigureCanvasAgg" in ended.stdout, ended.stderr
