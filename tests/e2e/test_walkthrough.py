"""The walk-through for practitioners: documents that everybody has join the finished smoke run and become a model."""

import re
import shlex
import shutil
import sys

import numpy as np
import pytest
import torch

from e2e.conftest import ROOT, Clone, copy_run, stable_bytes
from speclm.data.windows import open_windows
from speclm.stage.files import read_json, read_table

OWN = "own/mlflow"


def words() -> list[str]:
    """The words of the documented command after --config, but for the latency: it depends on what else is running."""
    text = (ROOT / "workflow/documentation/practitioners.md").read_text()
    command = re.search(r"^    (\.venv/bin/snakemake .*specialize --config(?:.*\\\n)*.*)$", text, flags=re.M)
    assert command is not None
    parts = shlex.split(command[1].replace("\\\n", " "))
    return [word for word in parts[parts.index("--config") + 1 :] if not word.startswith("latency=")]


@pytest.fixture(scope="module")
def before(smoke: Clone) -> dict[str, bytes]:
    return stable_bytes(smoke.results)


@pytest.fixture(scope="module")
def joined(smoke: Clone, before: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A copy of the finished run that the documents have joined."""
    clone = copy_run(smoke, tmp_path_factory.mktemp("joined"))
    if not (clone.folder / ".venv").is_symlink():  # as in a worktree that borrows another's
        shutil.rmtree(clone.folder / ".venv", ignore_errors=True)
        (clone.folder / ".venv").symlink_to(sys.prefix)
    clone.snakemake("specialize", "--config", *words())
    return clone


def test_nothing_of_the_study_was_made_again(joined: Clone, before: dict[str, bytes], smoke: Clone) -> None:
    after = stable_bytes(joined.results)
    assert {name: data for name, data in after.items() if "own/mlflow" not in name} == before
    for folder in ("pretrain", "tokens/generic", "embedder", "tokenizer"):
        old = {
            path.relative_to(smoke.results): path.stat().st_mtime for path in (smoke.results / folder).rglob("[!.]*.*")
        }
        new = {
            path.relative_to(joined.results): path.stat().st_mtime
            for path in (joined.results / folder).rglob("[!.]*.*")
        }
        assert new == old


def test_three_methods_were_advised_and_measured(joined: Clone) -> None:
    advice, results = read_json(joined.results / OWN / "advice.json"), read_table(joined.results / OWN / "results.tsv")
    assert len(advice["chosen"]) == 3 and set(results["method"]) == set(advice["chosen"])
    assert (joined.results / OWN / "advice.md").read_text().startswith("# Advice for mlflow")
    served = results[results["served"] == "yes"].iloc[0]
    tuned = results[results["size"] > 0]
    assert served["valid_nll"] == tuned["valid_nll"].min()
    assert (results["low"] < results["perplexity"]).all() and (results["perplexity"] < results["high"]).all()
    start = results[(results["size"] == 0) & (results["method"] == served["method"])]
    assert start.empty or served["perplexity"] < start["perplexity"].min()
    assert served["size"] == (advice["tokens"]["train"] - 1) // 64 * 64  # all whole windows


def test_an_ordinary_tool_measures_the_perplexity_of_the_card(joined: Clone) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = joined.results / OWN / "model"
    model, windows = (
        AutoModelForCausalLM.from_pretrained(folder).eval(),
        open_windows(joined.results / "tokens/own/mlflow/test.bin"),
    )
    tokens = torch.from_numpy(np.asarray(windows.tokens).astype("int64"))
    whole = windows.count * windows.context
    with torch.no_grad():
        logits_BTV = model(tokens[:whole].view(-1, windows.context)).logits
        losses = torch.nn.functional.cross_entropy(logits_BTV.flatten(0, 1), tokens[1 : whole + 1], reduction="sum")
        if len(tokens) > whole + 1:
            rest = model(tokens[None, whole:-1]).logits[0]
            losses = losses + torch.nn.functional.cross_entropy(rest, tokens[whole + 1 :], reduction="sum")
    perplexity = float(torch.exp(losses / (len(tokens) - 1)))
    served = read_table(joined.results / OWN / "results.tsv").iloc[0]
    assert perplexity == pytest.approx(served["perplexity"], rel=1e-4)
    assert "95 % interval over" in (folder / "README.md").read_text()
    text = "## Tracing\n\n- one  span"
    assert (
        AutoTokenizer.from_pretrained(folder).decode(AutoTokenizer.from_pretrained(folder)(text)["input_ids"][1:])
        == text
    )


def test_a_second_call_does_nothing(joined: Clone) -> None:
    ended = joined.snakemake("specialize", "--config", *words())
    assert "Nothing to be done" in ended.stdout + ended.stderr


def test_a_latency_that_no_model_meets(joined: Clone) -> None:
    ended = joined.snakemake("specialize", "--config", *words(), "latency=0.000001", check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "latency: no model meets the limits: the fastest takes" in said and "Remedy: allow more" in said
    assert (joined.results / OWN / "advice.md").exists() and (joined.results / OWN / "model").exists()


def test_other_documents_of_the_same_name(joined: Clone) -> None:
    (joined.folder / "mlflow.txt").write_text("Of something else. " * 20)
    own = ("domain=mlflow.txt", "licence=unknown", "origin=a test")
    ended = joined.snakemake("specialize", "--config", *own, check=False)
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert "results/smoke/own/mlflow: name: holds the results of" in said and "name=…" in said
    assert (joined.results / OWN / "advice.md").exists()


def test_a_document_that_changes_is_read_again(joined: Clone) -> None:
    note, documents = joined.folder / "note.txt", "results/smoke/documents/own/note/00000.jsonl.zst"
    own = ("--config", "domain=note.txt", "licence=unknown", "origin=a test")
    note.write_text("A note on graphs and their nodes. " * 20)
    joined.snakemake(documents, *own)
    note.write_text("A longer note on graphs and their nodes. " * 20)
    ended = joined.snakemake(documents, *own, "--dry-run")
    assert "note.txt" in ended.stdout + ended.stderr and "collect_documents" in ended.stdout + ended.stderr
