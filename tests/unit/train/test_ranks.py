"""One and two processes do the same training."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from speclm.stage.errors import UserError
from speclm.train.ranks import Ranks, alone, open_ranks, require_shares
from unit.train import parallel
from unit.train.parallel import BATCH, METHODS, STEPS, WINDOWS, Trained, trained
from unit.train.studies import ENGINE

CPU = torch.device("cpu")
WAYS = ("average", "shard")
# Float64 rounds at 1e-16 of a sum's largest term. Gradients summed in another order differ by a few times that; Adam
# divides each by its own size, which passes on what small gradients lost against large ones: 100 times is allowed.
ROUNDING = 1e-14


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes under torchrun left."""
    folder = tmp_path_factory.mktemp("two")
    tests = Path(parallel.__file__).parents[2]
    paths = os.pathsep.join([str(tests.parent / "workflow"), str(tests)])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = subprocess.run(
        [*command, parallel.__file__, str(folder)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """The same trainings by this process alone."""
    folder = tmp_path_factory.mktemp("one")
    return {method: trained(method, folder / method, ENGINE, alone(CPU)) for method in METHODS}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_every_window_exactly_once_per_epoch_over_the_ranks(two: Path, one, method: str, way: str) -> None:
    parts = [np.load(two / f"{method}.{way}.{rank}.npz")["seen"].reshape(STEPS, -1) for rank in (0, 1)]
    batches = np.concatenate(parts, axis=1)  # of each step, rank 0's windows before rank 1's
    assert (batches == np.array(one[method].seen).reshape(STEPS, BATCH)).all()
    epochs = np.sort(batches.reshape(-1, WINDOWS), axis=1)
    assert len(epochs) == 4 and (epochs == np.arange(WINDOWS)).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_two_processes_end_within_rounding_of_one(two: Path, one, method: str, way: str) -> None:
    weights = load_file(two / f"{method}.{way}.safetensors")
    assert weights.keys() == one[method].weights.keys()
    for name, tensor in one[method].weights.items():
        assert torch.allclose(weights[name], tensor, rtol=0, atol=ROUNDING), name
    looks = [np.load(two / f"{method}.{way}.{rank}.npz")["looks"] for rank in (0, 1)]
    assert looks[0] == pytest.approx(one[method].looks, abs=ROUNDING)
    assert looks[1] == pytest.approx(looks[0], abs=0)
    assert one[method].looks[-1] < one[method].looks[0] - 0.5  # it has learnt


@pytest.mark.parametrize("method", METHODS)
def test_accumulation_equals_the_large_batch(tmp_path: Path, one, method: str) -> None:
    large = trained(method, tmp_path, ENGINE, alone(CPU), micro_batch=BATCH)
    assert large.seen == one[method].seen
    for name, tensor in one[method].weights.items():
        assert torch.allclose(large.weights[name], tensor, rtol=0, atol=ROUNDING), name


@pytest.mark.parametrize("method", METHODS)
def test_a_rank_holds_half_of_the_divided_weights(two: Path, one, method: str) -> None:
    held = [int(np.load(two / f"{method}.shard.{rank}.npz")["held"]) for rank in (0, 1)]
    assert sum(held) == one[method].held
    assert max(held) <= 0.52 * one[method].held  # a tensor whose rows do not halve leaves one more to a rank
    assert int(np.load(two / f"{method}.average.0.npz")["held"]) == one[method].held


@pytest.mark.parametrize("method", METHODS)
def test_checkpoints_do_not_depend_on_the_processes(two: Path, one, method: str) -> None:
    for way in WAYS:
        state = load_file(two / f"{method}.{way}" / "step00000010.safetensors")
        weights = {name.removeprefix("model."): tensor for name, tensor in state.items() if name.startswith("model.")}
        assert {name: tensor.shape for name, tensor in weights.items()} == {
            name: tensor.shape for name, tensor in one[method].weights.items()
        }
        assert all(state[f"adam.first.{name}"].shape == tensor.shape for name, tensor in weights.items())


def test_a_share_is_a_ranks_part_of_the_batch() -> None:
    indices = np.array([5, 0, 3, 7])
    shares = [Ranks(number, 2, CPU, False, parent=1).share(indices).tolist() for number in (0, 1)]
    assert shares == [[5, 0], [3, 7]] and alone(CPU).share(indices).tolist() == [5, 0, 3, 7]


@pytest.mark.parametrize(
    ("batch", "micro_batch", "processes", "message"),
    [(2, 1, 3, "3 processes for the 2 windows"), (8, 4, 4, "4 processes of 4 windows .* batch of 8"), (6, 1, 4, "6")],
)
def test_a_batch_that_cannot_be_divided_is_refused(batch: int, micro_batch: int, processes: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        require_shares(batch, micro_batch, processes)
    require_shares(8, 2, 4)


@pytest.mark.parametrize(("started", "processes"), [("2", 1), ("1", 2), ("4", 2)])
def test_a_number_of_processes_that_nobody_started_is_refused(
    monkeypatch: pytest.MonkeyPatch, started: str, processes: int
) -> None:
    monkeypatch.setenv("WORLD_SIZE", started)
    said = f"{processes} in the settings, but torchrun started {started}"
    with pytest.raises(UserError, match=said), open_ranks(replace(ENGINE, processes=processes), CPU):
        pytest.fail("opened")
