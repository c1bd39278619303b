from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from speclm.model.size import ModelSize, forward_flops_per_token
from speclm.model.transformer import Transformer, initialize
from speclm.model.weights import save_weights
from speclm.stage.errors import UserError
from speclm.train.serving import GENERATED, MEASURED, ROUNDS, measure_serving, served_weights
from unit.train.studies import ENGINE

BATCH = 4
SMALL = ModelSize(vocabulary=64, context=16, layers=2, width=16, heads=2, inner=32)
LARGE = replace(SMALL, width=192, inner=768, heads=6)


def save(path: Path, method: str, size: ModelSize, tokens: int = 0, budget: int = 0) -> Path:
    model = Transformer(size)
    initialize(model, torch.Generator().manual_seed(1))
    save_weights(path, model.state_dict(), method=method, size=tokens, budget=budget, model=asdict(size))
    return path


@pytest.fixture
def weights(tmp_path: Path) -> list[Path]:
    return [save(tmp_path / f"{name}.safetensors", name, size) for name, size in (("slm", SMALL), ("llm", LARGE))]


def test_what_is_counted_follows_from_the_size(weights: list[Path]) -> None:
    row = measure_serving(weights, BATCH, ENGINE).set_index("method").loc["slm"]
    parameters = 64 * 16 + 16 * 16 + 2 * (4 * 16 * 16 + 2 * 16 * 32 + 2 * 16) + 16
    assert (row["parameters"], row["bytes_weights"]) == (parameters, 4 * parameters)
    assert row["bytes_text"] == 2 * 2 * 16 * 16 * 4  # keys and values of 2 layers, 16 tokens, width 16
    assert row["flops_per_token"] == forward_flops_per_token(SMALL)
    assert (row["context"], row["batch"], row["generated"]) == (16, BATCH, min(GENERATED, 15))
    half = measure_serving(weights, BATCH, replace(ENGINE, precision="bfloat16")).set_index("method").loc["slm"]
    assert half["bytes_weights"] == 2 * parameters


def test_what_is_counted_repeats_and_what_is_measured_is_told_apart(weights: list[Path]) -> None:
    first, second = (measure_serving(order, BATCH, ENGINE) for order in (weights, weights[::-1]))
    pd.testing.assert_frame_equal(first.drop(columns=MEASURED), second.drop(columns=MEASURED))
    assert first["method"].tolist() == ["llm", "slm"]


def test_measured_times_add_up_to_those_that_passed(weights: list[Path]) -> None:
    started = time.perf_counter()
    table = measure_serving(weights, BATCH, ENGINE)
    passed = time.perf_counter() - started
    scored = BATCH * table["context"]
    least = (table["generated"] * table["ms_low"] / 1000 + scored / table["tokens_per_second_high"]).sum()
    typical = (table["generated"] * table["ms_per_token"] / 1000 + scored / table["tokens_per_second"]).sum()
    assert ROUNDS * least < passed < 100 * ROUNDS * typical
    assert (table["ms_low"] <= table["ms_per_token"]).all() and (table["ms_per_token"] <= table["ms_high"]).all()
    assert (table["tokens_per_second_low"] <= table["tokens_per_second"]).all()
    rate = table.set_index("method")["tokens_per_second"]
    assert rate["slm"] > 2 * rate["llm"]  # 50 times fewer FLOPs per token


def test_the_largest_size_and_budget_is_served(tmp_path: Path) -> None:
    for selection, tokens, budget in (("most_frequent", 900, 5), ("a", 1000, 4), ("b", 1000, 5), ("c", 1000, 5)):
        save(tmp_path / f"{selection}.n{tokens}.b{budget}.safetensors", "slm_mix", SMALL, tokens, budget)
    assert served_weights(tmp_path).name == "b.n1000.b5.safetensors"


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no model"):
        served_weights(tmp_path)
