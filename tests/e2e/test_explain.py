"""Every result of the smoke run has its record, and is explained by `make explain` back to corpus and seed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.conftest import Clone


def explained(clone: Clone, file: str, *words: str) -> str:
    command = ["make", "--no-print-directory", "explain", f"FILE={file}", *words, f"BIN={Path(sys.executable).parent}"]
    (clone.folder / ".venv").mkdir(exist_ok=True)
    (clone.folder / ".venv/complete").touch()
    return subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=True, timeout=60).stdout


def test_every_result_has_its_record(smoke: Clone) -> None:
    records = [json.loads(path.read_text()) for path in smoke.results.glob("logs/**/*.summary.json")]
    made = {smoke.folder / output["path"] for record in records for output in record["outputs"]}
    others = ("logs", "benchmarks", ".occupied")
    for file in smoke.results.rglob("*"):
        hidden = file.name.startswith(".")  # what those who read a file note beside it
        if file.is_file() and not hidden and file.relative_to(smoke.results).parts[0] not in others:
            sidecar_of = file.with_suffix("") if file.suffix == ".json" else file
            assert made & {file, sidecar_of, *file.parents}, file


def test_a_table_is_explained_back_to_corpus_and_seed(smoke: Clone) -> None:
    text = explained(smoke, "results/smoke/tables/table_8.md", "FULL=yes")
    head, *steps = text.split("\n\n")
    assert "Every step read what is there now." in head.replace("\n", " ")
    assert "networkx==" in head and "sqlalchemy==" in head and "with seed 17," in head
    assert steps[0].startswith("1 make_table table=8\n")
    stages = [step.split()[1] for step in steps]
    for stage in ("gather_metrics", "evaluate_domain", "distill_model", "specialize_model", "pretrain_model"):
        assert stage in stages
    for stage in ("sample_importance", "fit_clusters", "fit_embedder", "train_tokenizer", "split_documents"):
        assert stage in stages
    assert stages[-3:] == ["collect_documents"] * 3
    assert "pretrain_model method=slm_pn  part=all  seed=17" in text
    assert "read      " in text and "config/methods.tsv\n" in text


def test_the_tree_stands_on_one_screen(smoke: Clone) -> None:
    head, tree, hint = explained(smoke, "results/smoke/tables/table_8.md").split("\n\n")
    assert "Every step read what is there now." in head.replace("\n", " ")
    lines = tree.splitlines()
    assert lines[0].startswith("make_table table=8: ")
    assert len(lines) < 50
    assert sum("pretrain_model, " in line and "as above" not in line for line in lines) == 1
    assert "FULL=yes" in hint


@pytest.mark.parametrize("file", ["metrics.tsv", "figures/figure_4b.png", "specialize/llm/networkx/seed17/models"])
def test_other_results_are_explained(smoke: Clone, file: str) -> None:
    assert explained(smoke, f"results/smoke/{file}").startswith(f"results/smoke/{file}\nis made by ")
