"""The numbers of a run for a notebook: tables as they were written, and a meaning for every column that there is."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import speclm
from speclm.stage.errors import UserError
from speclm.stage.files import read_table, write_table
from speclm.study.numbers import FILES, Numbers, read_columns
from unit.study.made_up import ROOT

PUBLISHED = ROOT / "results/published/laptop"


def test_tables_are_those_of_the_files() -> None:
    run = speclm.load(PUBLISHED)
    pd.testing.assert_frame_equal(run.metrics, read_table(PUBLISHED / "metrics.tsv"))
    assert run.metrics is run.metrics  # read once
    assert run.documents["nll"].sum() > 0
    assert set(run.tables) == set(FILES)
    assert "metrics" in dir(run) and "claims" in repr(run)


def test_perplexity_is_what_the_glossary_says() -> None:
    run = speclm.load(str(PUBLISHED))
    row = run.metrics.iloc[0]
    assert row["perplexity"] == pytest.approx(2.718281828459045 ** row["nll"])
    assert run.glossary.loc["perplexity", "meaning"].startswith("exp(nll)")
    costs = run.costs
    pd.testing.assert_series_equal(
        costs["total_7"], costs["flops_generic"] + 7 * costs["flops_specialize"], check_names=False
    )


@pytest.mark.parametrize("table", FILES)
def test_every_column_has_a_meaning(table: str) -> None:
    run = speclm.load(PUBLISHED)
    glossary = run.glossary[run.glossary["table"] == table]
    assert glossary.index.tolist() == getattr(run, table).columns.tolist()
    assert glossary["meaning"].str.len().min() > 3
    assert glossary["unit"].notna().all()


def test_no_meaning_is_left_over() -> None:
    """A column that is renamed or gone is no longer explained."""
    run = speclm.load(PUBLISHED)
    known = read_columns()
    assert not known.duplicated(["table", "column"]).any()
    for table, columns in known.groupby("table")["column"]:
        assert set(columns) <= set(getattr(run, table).columns), table


def test_a_run_has_its_histograms_elsewhere(tmp_path: Path) -> None:
    write_table(tmp_path / "metrics.tsv", pd.DataFrame({"method": ["slm"], "nll": [1.0]}))
    write_table(tmp_path / "clusters/histograms.tsv", pd.DataFrame({"k": [4], "windows": [9]}))
    run = speclm.load(tmp_path)
    assert run.tables == ["metrics", "histograms"]
    assert run.histograms["windows"].tolist() == [9]
    assert run.glossary.index.tolist() == ["method", "nll", "k", "windows"]


def test_what_is_no_run_is_refused_with_what_there_is(tmp_path: Path) -> None:
    write_table(tmp_path / "laptop/metrics.tsv", pd.DataFrame({"method": ["slm"]}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r'latop: is not there: did you mean "laptop"\?; there: laptop\nRemedy: finish'):
        speclm.load(tmp_path / "latop")
    with pytest.raises(UserError, match=r"empty: holds no finished run \(no metrics.tsv\)"):
        speclm.load(tmp_path / "empty")


def test_a_table_that_was_not_made_and_one_that_there_is_not() -> None:
    run = Numbers(ROOT / "config")
    with pytest.raises(UserError, match=r"was not made: serving\.tsv is not there"):
        run.serving  # noqa: B018
    with pytest.raises(AttributeError, match='no table "metric": did you mean "metrics"'):
        speclm.load(PUBLISHED).metric  # noqa: B018


def test_importing_the_library_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, speclm; assert callable(speclm.load); sys.exit('pandas' in sys.modules or 'torch' in sys.modules)"
    )
    path = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=path, check=False).returncode == 0


def test_the_installed_path_names_the_clone_that_it_stands_in(tmp_path: Path) -> None:
    """The line that envs/install.sh writes, in an environment of another clone, which is then moved."""
    line = next(text for text in (ROOT / "envs/install.sh").read_text().splitlines() if "sys.path.append" in text)
    code = line.strip().removeprefix('echo "').removesuffix('" \\')
    clone = tmp_path / "clone"
    (clone / "workflow/speclm").mkdir(parents=True)
    (clone / "workflow/speclm/__init__.py").write_text("here = __file__")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    (site,) = (clone / ".venv").glob("lib/python*/site-packages")
    (site / "speclm.pth").write_text(f"{code}\n")
    moved = clone.rename(tmp_path / "moved")
    command = [moved / ".venv/bin/python", "-c", "import speclm; print(speclm.here)"]
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(command, cwd="/", env=clean, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == str(moved / "workflow/speclm/__init__.py")
