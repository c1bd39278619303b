from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speclm.data.measurements import KEY
from speclm.model.size import ModelSize
from speclm.model.transformer import Transformer
from speclm.model.weights import save_weights
from speclm.stage.errors import UserError
from speclm.train.evaluate import document_losses, evaluate_models, evaluate_pretrained
from speclm.train.score import plain_score, routed_score
from unit.train.studies import ENGINE, drawn

CPU = torch.device("cpu")


def itself(tokens_BL: torch.Tensor, indices_B: np.ndarray) -> torch.Tensor:
    """A score that gives every target's own number: sums then say which targets were predicted, and how often."""
    return tokens_BL[:, 1:].clamp_min(0).double()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6), context=st.integers(1, 7), batch=st.integers(1, 5))
def test_every_token_but_the_first_exactly_once(store, lengths: list[int], context: int, batch: int) -> None:
    ends = np.cumsum([0, *lengths])
    if ends[-1] < 2:
        return
    stream = np.arange(ends[-1])
    windows = store.write("range", np.split(stream, ends[1:-1]), context=context, vocabulary=1000)
    table = document_losses(itself, windows, batch, CPU)
    assert table["tokens"].tolist() == [length - (number == 0) for number, length in enumerate(lengths)]
    assert table["nll"].tolist() == [stream[a:b].sum() for a, b in pairwise(ends)]
    assert table["bytes"].tolist() == [3 * length for length in lengths]
    assert table["document"].tolist() == list(range(len(lengths)))


def test_uniform_model_has_the_vocabulary_as_perplexity(store, size: ModelSize) -> None:
    model = Transformer(size)
    state = {name: torch.zeros_like(tensor) for name, tensor in model.state_dict().items()}
    table = document_losses(plain_score(size, state, CPU), store("text"), 4, CPU)
    assert math.exp(table["nll"].sum() / table["tokens"].sum()) == pytest.approx(size.vocabulary)


def test_document_sums_add_up_to_the_stream(store, size: ModelSize) -> None:
    windows, score = store("text"), plain_score(size, drawn(size, 0), CPU)
    table = document_losses(score, windows, 5, CPU)
    assert table["tokens"].sum() == len(windows.tokens) - 1
    model = Transformer(size)
    model.load_state_dict(drawn(size, 0))
    stream = torch.from_numpy(windows.tokens.astype(np.int64))
    total = sum(float(model.nll(stream[None, i : i + 9]).sum()) for i in range(0, len(stream) - 1, size.context))
    assert table["nll"].sum() == pytest.approx(total, rel=1e-5)


def test_batch_size_does_not_matter(store, size: ModelSize) -> None:
    windows, score = store("text"), plain_score(size, drawn(size, 0), CPU)
    one, many = (document_losses(score, windows, batch, CPU)["nll"] for batch in (1, 64))
    assert one.to_numpy() == pytest.approx(many.to_numpy(), rel=1e-5)


def meta(selection: str, expert: int, size: ModelSize) -> dict:
    return {
        "method": "slm_mix",
        "selection": selection,
        "domain": "sympy",
        "size": 64,
        "budget": 1000,
        "seed": 3,
        "expert": expert,
        "model": vars(size),
    }


def test_a_folder_of_models_is_measured(store, size: ModelSize, tmp_path: Path) -> None:
    windows = store("test")
    for selection, expert in (("most_frequent", 1), ("best_pretrained", 1), ("best_finetuned", 0)):
        path = tmp_path / "models" / f"{selection}.safetensors"
        save_weights(path, drawn(size, expert), **meta(selection, expert, size))
    for output in (tmp_path / "a", tmp_path / "b"):
        facts = evaluate_models(tmp_path / "models", "test", windows, 8, output, ENGINE)
    assert facts["measurements"] == 3
    for name in ("documents.parquet", "measurements.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    entries = {entry["selection"]: entry for entry in json.loads((tmp_path / "a/measurements.json").read_text())}
    assert entries["most_frequent"]["nll"] == entries["best_pretrained"]["nll"] != entries["best_finetuned"]["nll"]
    table = pd.read_parquet(tmp_path / "a/documents.parquet")
    assert list(table.columns) == [*KEY, "document", "nll", "tokens", "bytes"]
    rows = table[table["selection"] == "most_frequent"]
    assert rows["nll"].sum() / rows["tokens"].sum() == pytest.approx(entries["most_frequent"]["nll"])
    assert entries["most_frequent"]["documents"] == len(rows) and entries["most_frequent"]["split"] == "test"


@pytest.mark.parametrize("experts", [1, 3])
def test_a_pretraining_is_measured_at_every_budget(store, size: ModelSize, tmp_path: Path, experts: int) -> None:
    windows, folders = store("heldout"), [tmp_path / f"expert{expert}" for expert in range(experts)]
    for number, folder in enumerate(folders):
        for budget in (100, 200):
            weights = drawn(size, number + budget)
            save_weights(folder / f"b{budget}.safetensors", weights, model=vars(size), projection=None)
    clusters = (np.arange(windows.count) % experts).astype(np.int32)
    evaluate_pretrained(
        "slm_mix" if experts > 1 else "slm",
        folders,
        [200, 100],
        "mine",
        "valid",
        windows,
        clusters if experts > 1 else None,
        3,
        8,
        tmp_path,
        ENGINE,
    )
    first, second = json.loads((tmp_path / "measurements.json").read_text())
    assert [first[name] for name in KEY[1:]] == ["none", "mine", 0, 100, 3, "valid"] and second["budget"] == 200
    score = routed_score(size, [drawn(size, number + 100) for number in range(experts)], clusters, CPU)
    table = document_losses(score, windows, 8, CPU)
    assert first["nll"] == pytest.approx(table["nll"].sum() / table["tokens"].sum()) != second["nll"]


def test_nothing_to_measure_is_refused(store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to measure"):
        evaluate_models(tmp_path, "test", store("test"), 8, tmp_path, ENGINE)
