from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from speclm.model.weights import load_weights
from speclm.train.batches import ShuffledEpochs, load
from speclm.train.control import Control
from speclm.train.specialize import Run, Task, specialize
from unit.train.studies import Study, session

STEPS = {(32, 2): 3, (96, 2): 0}


def controlled(study: Study, place: str) -> list[dict]:
    study.pretrain("slm", "base")
    start = study.folder / "base/slm/all/checkpoints/b2.safetensors"
    task = replace(study.task("slm"), control=Control(study.generic, STEPS))
    assert isinstance(task, Task) and task.starts[2] == [start]
    output = study.folder / place
    specialize(task, [Run("none", size, budget) for size, budget in STEPS], session(output, "slm_more"))
    return [load_weights(output / f"models/none.n{size}.b2.safetensors")[1] for size in (32, 96)]


def test_it_takes_as_many_steps_as_the_finetuning_took_to_its_best(study: Study) -> None:
    three, none = controlled(study, "control")
    assert (three["steps"], three["best_step"], three["capped"]) == (3, 3, 0)
    assert three["tokens"] == 3 * study.optimization.batch_windows * study.generic.context
    assert (none["steps"], none["tokens"]) == (0, 0)
    before = load_weights(study.folder / "base/slm/all/checkpoints/b2.safetensors")[0]
    kept = load_weights(study.folder / "control/models/none.n96.b2.safetensors")[0]
    assert all(torch.equal(before[name], kept[name]) for name in before)


def test_it_learns_generic_windows_at_the_sizes_rate(study: Study) -> None:
    """The first step of Adam moves every weight by the rate, in the direction of the generic windows' gradient."""
    first = replace(study, optimization=replace(study.optimization, warmup_steps=0))
    steps = {(32, 2): 1}
    study.pretrain("slm", "base")
    task = replace(first.task("slm"), control=Control(study.generic, steps))
    specialize(task, [Run("none", 32, 2)], session(study.folder / "one", "slm_more"))
    before, after = (
        load_weights(study.folder / path)[0]
        for path in ("base/slm/all/checkpoints/b2.safetensors", "one/models/none.n32.b2.safetensors")
    )
    model = study.model(before)
    seen = ShuffledEpochs(np.arange(study.generic.count), 7, "control", 32).take(study.optimization.batch_windows)
    model.loss(load(study.generic, seen, torch.device("cpu"))).backward()
    rate = study.optimization.learning_rate / first.finetuning().of(32).rate_divisor
    for name, parameter in model.named_parameters():
        clear = parameter.grad.abs() > 1e-4  # beside which Adam's epsilon is nothing
        moved = (after[name] - before[name])[clear]
        assert torch.allclose(moved, -rate * parameter.grad[clear].sign(), rtol=1e-3, atol=1e-7), name
