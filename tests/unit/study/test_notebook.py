"""The notebook runs as it stands, on the published results, and draws what metrics.tsv says; it holds no outputs."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from speclm.stage.files import read_table
from unit.study.made_up import ROOT

NOTEBOOK = ROOT / "workflow/notebooks/own_figure.ipynb"


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that its cells leave, run from its own folder, as Jupyter does."""
    monkeypatch.chdir(NOTEBOOK.parent)
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.switch_backend("agg")
    names: dict[str, Any] = {}
    for cell in cells("code"):
        exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    return names


def cells(kind: str) -> list[dict[str, Any]]:
    """Its cells of one kind, "code" or "markdown"."""
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_it_draws_the_numbers_of_the_metrics(executed: dict[str, Any]) -> None:
    metrics = read_table(ROOT / "results/published/laptop/metrics.tsv").query("method == 'slm' and size > 0")
    metrics = metrics[metrics["budget"] == metrics["budget"].max()]
    lines = {line.get_label(): line for line in executed["axes"].get_lines()}
    for size, mean in zip(*lines["slm"].get_data(), strict=True):
        assert mean == pytest.approx(np.exp(metrics.loc[metrics["size"] == size, "nll"].mean()))
    assert set(lines) == set(executed["methods"])


def test_it_holds_no_outputs() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells("code"))
    assert NOTEBOOK.stat().st_size < 6000


def test_its_text_names_what_there_is() -> None:
    text = "".join("".join(cell["source"]) for cell in cells("markdown") + cells("code"))
    assert str(Path("workflow/notebooks") / NOTEBOOK.name) in text
    assert (NOTEBOOK.parent / "../../results/published/laptop").is_dir()
