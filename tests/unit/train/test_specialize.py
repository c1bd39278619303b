from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from speclm.model.size import (
    LowRank,
    adapter_parameter_count,
    forward_flops_per_token,
    parameter_count,
    training_flops_per_token,
)
from speclm.model.weights import load_weights
from speclm.stage.errors import UserError
from speclm.train import specialize as module
from speclm.train.experts import open_experts
from speclm.train.score import mean_nll, plain_score
from speclm.train.specialize import Run
from unit.train import studies
from unit.train.studies import EXPERTS, Study, contents

CPU = torch.device("cpu")


@pytest.fixture
def mixture(study: Study) -> Study:
    for expert in range(EXPERTS):
        study.pretrain("slm_mix", "base", part=f"expert{expert}")
    return study


def records(study: Study, method: str) -> dict[str, dict]:
    rows = json.loads((study.folder / "special" / method / "runs.json").read_text())
    return {f"{row['selection']}.n{row['size']}.b{row['budget']}": row for row in rows}


def served(study: Study, method: str, name: str) -> dict[str, torch.Tensor]:
    return load_weights(study.folder / "special" / method / f"models/{name}.safetensors")[0]


def valid_loss(study: Study, state: dict[str, torch.Tensor]) -> float:
    return mean_nll(plain_score(study.size, state, CPU), study.valid, np.arange(8), 4, CPU)


def test_all_sizes_and_budgets(study: Study) -> None:
    study.pretrain("slm", "base")
    facts = study.specialize("slm", "special", [Run("none", size, budget) for size in (0, 32, 96) for budget in (1, 2)])
    rows = records(study, "slm")
    assert (
        set(rows) == {f"none.n{size}.b{budget}" for size in (0, 32, 96) for budget in (1, 2)} == set(facts["seconds"])
    )
    for name, row in rows.items():
        state = served(study, "slm", name)
        assert row["valid_nll"] == pytest.approx(valid_loss(study, state), rel=1e-6)
        assert row["tokens"] == row["steps"] * 32 and row["best_step"] <= row["steps"]
        assert row["flops"] == row["flops_student"] == row["tokens"] * training_flops_per_token(study.size)
        assert row["trained_parameters"] == (parameter_count(study.size) if row["size"] else 0)
        assert (row["steps"] == 0) == (row["size"] == 0) and row["steps"] <= {0: 0, 32: 6, 96: 9}[row["size"]]
        assert "seconds" not in row
    start, _ = load_weights(study.folder / "base/slm/all/checkpoints/b2.safetensors")
    assert all(torch.equal(start[key], tensor) for key, tensor in served(study, "slm", "none.n0.b2").items())
    assert rows["none.n96.b2"]["valid_nll"] < rows["none.n0.b2"]["valid_nll"]
    assert not (study.folder / "special/slm/scratch/running").exists() or not list(
        (study.folder / "special/slm/scratch/running").iterdir()
    )


def test_adapters_serve_an_ordinary_transformer_and_count_what_they_train(study: Study) -> None:
    study.pretrain("slm", "base")
    low_rank = LowRank(rank=2, alpha=8.0)
    study.specialize(
        "slm",
        "special",
        [Run("none", size, 2) for size in (0, 96)],
        settings=replace(study.finetuning(), lora=low_rank),
    )
    before, row = (records(study, "slm")[f"none.n{size}.b2"] for size in (0, 96))
    assert row["flops"] == row["flops_student"] == row["tokens"] * training_flops_per_token(study.size, low_rank)
    assert row["trained_parameters"] == adapter_parameter_count(study.size, low_rank) == 2 * 4 * 16 * 2
    assert before["trained_parameters"] == 0 < row["best_step"]
    assert row["valid_nll"] < before["valid_nll"]
    assert row["valid_nll"] == pytest.approx(valid_loss(study, served(study, "slm", "none.n96.b2")), rel=1e-5)


def test_the_smallest_size_learns_at_the_lower_rate(study: Study) -> None:
    study.pretrain("slm", "base")
    study.specialize("slm", "special", [Run("none", 32, 1), Run("none", 96, 1)])
    lines = (study.folder / "special/slm/metrics.jsonl").read_text().splitlines()
    rates = {32: 0.0, 96: 0.0}
    for line in map(json.loads, lines):
        rates[line["size"]] = max(rates[line["size"]], line.get("learning_rate", 0.0))
    assert rates[32] == pytest.approx(0.01 / 3) and rates[96] == pytest.approx(0.01)


def test_without_pretraining_it_begins_at_random(study: Study) -> None:
    study.specialize("slm_nopt", "special", [Run("none", 32, 0)])
    (start,) = open_experts(study.size, [], 7)
    row = records(study, "slm_nopt")["none.n32.b0"]
    assert row["valid_nll"] < valid_loss(study, start()) and row["budget"] == 0


def test_three_ways_of_choosing(mixture: Study) -> None:
    ways = ("most_frequent", "best_pretrained", "best_finetuned")
    facts = mixture.specialize("slm_mix", "special", [Run(way, 32, 2) for way in ways])
    frequent, pretrained, finetuned = (records(mixture, "slm_mix")[f"{way}.n32.b2"] for way in ways)
    assert frequent["expert"] == 2 and frequent["flops_search"] == 0
    paths = [mixture.folder / f"base/slm_mix/expert{e}/checkpoints/b2.safetensors" for e in range(EXPERTS)]
    scores = [plain_score(mixture.size, load_weights(path)[0], CPU) for path in paths]
    losses = [mean_nll(score, mixture.train, np.arange(4), 4, CPU) for score in scores]
    assert pretrained["expert"] == int(np.argmin(losses))
    assert pretrained["flops_search"] == EXPERTS * 4 * 8 * forward_flops_per_token(mixture.size)
    assert finetuned["valid_nll"] <= min(frequent["valid_nll"], pretrained["valid_nll"])
    journal = [json.loads(x) for x in (mixture.folder / "special/slm_mix/metrics.jsonl").read_text().splitlines()]
    steps = [max(line["step"] for line in journal if line["expert"] == expert) for expert in range(EXPERTS)]
    assert finetuned["flops"] == sum(steps) * 32 * training_flops_per_token(mixture.size)
    assert facts["finetunings"] == EXPERTS  # not five: an expert that several ways choose is fine-tuned once


def test_projected_network_serves_instances(study: Study) -> None:
    study.pretrain("slm_pn", "base")
    study.specialize("slm_pn", "special", [Run("most_frequent", size, 2) for size in (0, 32)])
    path = study.folder / "base/slm_pn/all/checkpoints/b2.safetensors"
    instance = open_experts(study.size, [path], 7)[2]()
    before = served(study, "slm_pn", "most_frequent.n0.b2")
    assert before.keys() == instance.keys() and all(torch.equal(before[key], instance[key]) for key in instance)
    assert records(study, "slm_pn")["most_frequent.n32.b2"]["valid_nll"] <= valid_loss(study, before)


def test_the_most_frequent_cluster_is_that_of_the_stated_size(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 4 windows lie in cluster 1, as many more as 12 have in 2, most of all in 0."""
    study.pretrain("slm_pn", "base")
    clusters = np.repeat(np.array([1, 2, 0], dtype=np.int32), [4, 8, study.train.count - 12])
    assert np.bincount(clusters).argmax() == 0
    monkeypatch.setattr(studies, "clusters_of", lambda windows: clusters)
    study.specialize("slm_pn", "special", [Run("most_frequent", size, 2) for size in (0, 32, 96)])
    found = records(study, "slm_pn")
    assert [found[f"most_frequent.n{size}.b2"]["expert"] for size in (0, 32, 96)] == [1, 1, 2]


def test_distillation_counts_its_teacher(study: Study) -> None:
    for method in ("slm", "llm"):
        study.pretrain(method, "base")
    study.specialize("llm", "special", [Run("none", 32, 2)])
    study.specialize("slm_d", "special", [Run("none", 32, 2)])
    teacher, row = records(study, "llm")["none.n32.b2"], records(study, "slm_d")["none.n32.b2"]
    assert row["flops_teacher_training"] == teacher["flops"] > 0
    assert row["flops_teacher_forward"] == row["tokens"] * forward_flops_per_token(study.size_of("llm"))
    assert row["flops"] == row["flops_student"] + row["flops_teacher_forward"] + row["flops_teacher_training"]
    with pytest.raises(UserError, match="weights are missing"):
        study.specialize("slm_d", "special", [Run("none", 96, 2)])


def test_every_student_learns_from_the_teacher_of_a_fixed_budget(study: Study) -> None:
    for method in ("slm", "llm"):
        study.pretrain(method, "base")
    study.specialize("llm", "special", [Run("none", 32, budget) for budget in (1, 2)])
    both = [Run("none", 32, budget) for budget in (1, 2)]
    study.specialize("slm_d", "special", both, teacher_budget=1)
    fixed = served(study, "slm_d", "none.n32.b2")
    teachers, rows = records(study, "llm"), records(study, "slm_d")
    assert [row["teacher_budget"] for row in rows.values()] == [1, 1]
    assert [row["flops_teacher_training"] for row in rows.values()] == 2 * [teachers["none.n32.b1"]["flops"]]
    study.specialize("slm_d", "own", both)
    own = load_weights(study.folder / "own/slm_d/models/none.n32.b2.safetensors")
    assert own[1]["teacher_budget"] == 2
    assert any(not torch.equal(tensor, fixed[name]) for name, tensor in own[0].items())
    with pytest.raises(UserError, match="no teacher for size 32 and budget 3"):
        study.specialize("slm_d", "refused", both, teacher_budget=3)


def test_a_teacher_that_nobody_made_is_refused(study: Study) -> None:
    study.pretrain("slm", "base")
    with pytest.raises(UserError, match="no teacher for size 64"):
        settings = study.finetuning()
        rows = (*settings.sizes, replace(settings.sizes[0], tokens=64))
        study.specialize("slm_d", "special", [Run("none", 64, 2)], settings=replace(settings, sizes=rows))


def test_finished_finetunings_are_not_repeated(mixture: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Run("best_finetuned", 32, 2), Run("most_frequent", 32, 2)]
    mixture.specialize("slm_mix", "special", runs)
    first = contents(mixture.folder / "special")
    monkeypatch.setattr(module, "finetune", lambda *a, **k: pytest.fail("fine-tuned again"))
    mixture.specialize("slm_mix", "special", runs)
    assert contents(mixture.folder / "special") == first


def test_a_size_that_the_domain_lacks_is_refused(study: Study) -> None:
    study.pretrain("slm", "base")
    settings = study.finetuning()
    huge = replace(settings, sizes=(*settings.sizes, replace(settings.sizes[0], tokens=10**6)))
    with pytest.raises(UserError, match="1000000 tokens asked for"):
        study.specialize("slm", "special", [Run("none", 10**6, 1)], settings=huge)
    with pytest.raises(UserError, match="no settings for 77 tokens"):
        study.specialize("slm", "special", [Run("none", 77, 1)])


def test_a_missing_checkpoint_is_refused(study: Study) -> None:
    with pytest.raises(UserError, match="weights are missing"):
        study.specialize("slm", "special", [Run("none", 32, 1)])


def test_models_carry_their_record(study: Study, tmp_path: Path) -> None:
    study.pretrain("slm", "base")
    study.specialize("slm", "special", [Run("none", 32, 1)])
    _, meta = load_weights(study.folder / "special/slm/models/none.n32.b1.safetensors")
    assert meta == {**records(study, "slm")["none.n32.b1"], "model": vars(study.size)}
