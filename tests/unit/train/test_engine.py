from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from speclm.model.weights import load_weights
from speclm.stage.errors import UserError
from speclm.train.engine import Engine, machine, prepare, require_gpu, require_precision
from unit.train.studies import ENGINE, Study


def losses(study: Study, engine: Engine, place: str, method: str = "slm") -> list[float]:
    """The training and validation losses of a pretraining with this engine."""
    replace(study, engine=engine).pretrain(method, place)
    lines = (study.folder / place / method / "all/metrics.jsonl").read_text().splitlines()
    return [record[key] for record in map(json.loads, lines) for key in ("loss", "validation") if key in record]


def test_sets_threads_and_flushes_denormals() -> None:
    assert prepare(ENGINE) == torch.device("cpu")
    assert torch.get_num_threads() == 1
    assert float(torch.tensor([1e-40]) * 1.0) == 0.0


@pytest.mark.parametrize("device", ["tpu", "cuda"])
def test_a_device_that_is_not_there_is_refused(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=device):
        prepare(replace(ENGINE, device=device))


@pytest.mark.parametrize(
    ("precision", "capability", "device"),
    [
        ("tensorfloat32", None, "a CPU"),
        ("tensorfloat32", (7, 5), r"a GPU of compute capability 7\.5"),
        ("bfloat16", (7, 0), r"a GPU of compute capability 7\.0"),
    ],
)
def test_a_precision_that_the_device_lacks_is_refused(
    precision: str, capability: tuple[int, int] | None, device: str
) -> None:
    with pytest.raises(
        UserError, match=rf'engine\.precision: {device} has no {precision}\nRemedy: set it to "float32"'
    ):
        require_precision(replace(ENGINE, precision=precision), capability)


def test_a_precision_that_the_device_has_is_taken() -> None:
    for precision in ("float32", "tensorfloat32", "bfloat16"):
        require_precision(replace(ENGINE, precision=precision), (8, 0))
    require_precision(replace(ENGINE, precision="bfloat16"), None)
    require_precision(ENGINE, (5, 0))
    with pytest.raises(UserError, match="a CPU has no tensorfloat32"):
        prepare(replace(ENGINE, precision="tensorfloat32"))


def test_every_process_needs_a_gpu() -> None:
    require_gpu(1, 2)
    with pytest.raises(
        UserError, match=r"engine\.processes: process 2 has no GPU: this machine has 2\nRemedy: use at most 2"
    ):
        require_gpu(2, 2)


def test_division_needs_processes() -> None:
    with pytest.raises(UserError, match=r"engine\.shard: there is nothing to divide over"):
        replace(ENGINE, shard=True)
    assert replace(ENGINE, shard=True, processes=2).shard


@pytest.mark.parametrize("method", ["slm", "slm_pn"])
def test_bfloat16_learns_as_float32_does_with_weights_in_float32(study: Study, method: str) -> None:
    exact = losses(study, ENGINE, "float32", method)
    rounded = losses(study, replace(ENGINE, precision="bfloat16"), "bfloat16", method)
    # numbers of 8 bits are 2^-9 off at most; a loss is a mean over 32 targets and more
    assert rounded == pytest.approx(exact, rel=2**-9) and rounded != exact
    weights, _ = load_weights(study.folder / f"bfloat16/{method}/all/checkpoints/b2.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_steps_end_within_rounding_under_the_same_names(study: Study) -> None:
    eager = losses(study, ENGINE, "eager")
    compiled = losses(study, replace(ENGINE, compile=True), "compiled")
    assert compiled == pytest.approx(eager, rel=1e-5)
    path = "slm/all/checkpoints/b2.safetensors"
    (mine, _), (theirs, _) = (load_weights(study.folder / place / path) for place in ("compiled", "eager"))
    assert mine.keys() == theirs.keys()
    # ten steps of Adam at a rate of 0.01, the rounding of whose small gradients is as large as they are at worst
    assert max(float((mine[name] - theirs[name]).abs().max()) for name in mine) < 1e-3


def test_without_a_compiler_compiling_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UserError, match=r"engine\.compile: g\+\+ is not here"):
        prepare(replace(ENGINE, compile=True))


def test_the_machine_is_named_with_its_use() -> None:
    facts = machine(ENGINE)
    assert facts["device"] and facts["host"] and facts["engine"]["threads"] == 1
