from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize, projection_flops, training_flops_per_token
from speclm.model.weights import load_weights
from speclm.stage.errors import UserError
from speclm.train.pretrain import expert_order, uniform_order
from unit.train.studies import BUDGETS, PRETRAINED, PROJECTION, Study, clusters_of, contents


@pytest.mark.parametrize("method", PRETRAINED)
def test_weights_and_facts_at_every_budget(study: Study, method: str) -> None:
    facts = study.pretrain(method, "base")
    (output,) = (study.folder / "base" / method).iterdir()
    states = {}
    for budget, steps in ((1, 4), (2, 10)):
        states[budget], meta = load_weights(output / f"checkpoints/b{budget}.safetensors")
        assert (meta["method"], meta["part"], meta["budget"], meta["seed"]) == (method, output.name, budget, 7)
        assert (meta["steps"], meta["tokens"]) == (steps, steps * 32)
        flops = steps * 32 * training_flops_per_token(study.size_of(method))
        if method == "slm_pn":  # in passes of two windows: the matrices of one expert, or of two
            passes = clusters_of(study.generic)[uniform_order(study.generic, 7).take(steps * 4)].reshape(-1, 2)
            flops += sum(len(set(two)) for two in passes.tolist()) * projection_flops(study.size, PROJECTION)
        assert meta["flops"] == flops
        assert ModelSize(**meta["model"]) == study.size_of(method)
        assert (meta["projection"] is None) == (method != "slm_pn")
    assert not torch.equal(states[1]["embedding"], states[2]["embedding"])
    assert (facts["steps"], facts["tokens"]) == (10, 320)
    assert 0 < facts["seconds"]["1"] < facts["seconds"]["2"]
    journal = [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]
    # the trunk up to the last branch, then the branches of 2 and of 5 steps
    looks = [(line.get("budget"), line["step"]) for line in journal if "validation" in line]
    assert looks == [(None, 0), (None, 4), (None, 5), (1, 4), (2, 8), (2, 10)]
    falling = [line["learning_rate"] for line in journal if line.get("budget") == 2]
    assert falling == sorted(falling, reverse=True) and falling[-1] < study.optimization.learning_rate / 4
    assert not any("seconds" in line for line in journal)


def test_a_budget_is_what_a_shorter_run_ends_with(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study.pretrain("slm", "long")
    monkeypatch.setattr("unit.train.studies.BUDGETS", {1: BUDGETS[1]})
    study.pretrain("slm", "short")
    path = "slm/all/checkpoints/b1.safetensors"
    assert (study.folder / "long" / path).read_bytes() == (study.folder / "short" / path).read_bytes()


def test_without_a_cooldown_the_trunk_serves_every_budget(study: Study) -> None:
    constant = replace(study, cooldown=0.0)
    constant.pretrain("slm", "base")
    lines = (study.folder / "base/slm/all/metrics.jsonl").read_text().splitlines()
    assert not any("budget" in json.loads(line) for line in lines)
    assert {json.loads(line).get("learning_rate") for line in lines[2:]} == {study.optimization.learning_rate}


def test_branches_do_not_touch_the_trunk(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest budget's weights are the same whether or not a smaller one was branched off before."""
    study.pretrain("slm", "both")
    monkeypatch.setattr("unit.train.studies.BUDGETS", {2: BUDGETS[2]})
    study.pretrain("slm", "alone")
    path = "slm/all/checkpoints/b2.safetensors"
    assert (study.folder / "both" / path).read_bytes() == (study.folder / "alone" / path).read_bytes()


def test_twice_the_same_bytes(study: Study) -> None:
    for place in ("once", "again"):
        study.pretrain("slm_pn", place)
    assert contents(study.folder / "once") == contents(study.folder / "again")


def test_learns(study: Study) -> None:
    study.pretrain("slm", "base")
    lines = (study.folder / "base/slm/all/metrics.jsonl").read_text().splitlines()
    curve = [json.loads(line)["validation"] for line in lines if "validation" in line]
    assert curve[-1] < curve[0] - 0.1


def test_all_methods_of_a_seed_begin_alike(study: Study) -> None:
    curves = {}
    for method in ("slm", "slm_is", "slm_pn"):
        study.pretrain(method, "base")
        (output,) = (study.folder / "base" / method).iterdir()
        curves[method] = json.loads((output / "metrics.jsonl").read_text().splitlines()[0])["validation"]
    assert curves["slm"] == curves["slm_is"] == pytest.approx(curves["slm_pn"], rel=1e-5)


def test_projected_network_trains_the_clusters_experts(study: Study) -> None:
    study.pretrain("slm_pn", "base")
    state, meta = load_weights(study.folder / "base/slm_pn/all/checkpoints/b2.safetensors")
    model = ProjectedTransformer(study.size, ProjectionSize(**meta["projection"]))
    model.load_state_dict(state)
    name = f"mlps.{study.size.layers - 1}.up"
    assert not torch.equal(model.instantiate(0)[name], model.instantiate(1)[name])


def test_an_expert_sees_its_cluster_alone(study: Study) -> None:
    clusters = clusters_of(study.generic)
    seen = expert_order(clusters, 2, 4, 7).take(int((clusters == 2).sum()))
    assert sorted(seen.tolist()) == np.flatnonzero(clusters == 2).tolist()
    everything = uniform_order(study.generic, 7).take(study.generic.count)
    assert sorted(everything.tolist()) == list(range(study.generic.count))


@pytest.mark.parametrize(("expert", "batch"), [(5, 1), (0, 1000)])
def test_a_cluster_too_small_is_refused(study: Study, expert: int, batch: int) -> None:
    with pytest.raises(UserError, match=f"cluster {expert} has .* windows, one batch needs {batch}"):
        expert_order(clusters_of(study.generic), expert, batch, 7)


@pytest.mark.parametrize("tokens", [31, 0, -5])
def test_budget_below_one_step_is_refused(study: Study, monkeypatch: pytest.MonkeyPatch, tokens: int) -> None:
    monkeypatch.setattr("unit.train.studies.BUDGETS", {1: tokens, 2: 320})
    with pytest.raises(UserError, match=f"budget 1 gives slm {tokens} tokens, one step takes 32"):
        study.pretrain("slm", "base")


def test_foreign_scratch_is_refused(study: Study) -> None:
    study.pretrain("slm", "base")
    scratch = study.folder / "base/slm/all/scratch/fingerprint.json"
    scratch.write_text('{"method": "llm"}')
    with pytest.raises(UserError, match="method: llm there, slm here"):
        study.pretrain("slm", "base")


def test_seeds_have_orders_of_their_own(study: Study) -> None:
    assert uniform_order(study.generic, 7).take(20).tolist() != uniform_order(study.generic, 8).take(20).tolist()
