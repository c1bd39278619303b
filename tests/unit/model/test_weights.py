from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from speclm.model.weights import load_weights, save_weights
from speclm.stage.errors import UserError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deeper" / "b1.5k.safetensors"


def test_tensors_and_facts_come_back(path: Path) -> None:
    state = {"b": torch.arange(6.0).view(2, 3).T, "a": torch.tensor([1, 2])}
    save_weights(path, state, tokens=5, method="slm")
    tensors, meta = load_weights(path)
    assert meta == {"tokens": 5, "method": "slm"}
    assert tensors.keys() == state.keys()
    assert all(torch.equal(tensors[name], state[name]) for name in state)


def test_the_same_state_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_weights(path, {"a": torch.ones(3), "b": torch.zeros(2)}, seed=1)
    save_weights(other, {"b": torch.zeros(2), "a": torch.ones(3)}, seed=1)
    assert path.read_bytes() == other.read_bytes()
    assert path.with_suffix(".json").read_bytes() == other.with_suffix(".json").read_bytes()


@pytest.mark.parametrize("damage", ["flip", "truncate", "exchange", "no weights", "no facts"])
def test_damaged_weights_are_refused_by_name(path: Path, damage: str) -> None:
    save_weights(path, {"a": torch.ones(3)})
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "truncate":
        path.write_bytes(content[:-4])
    elif damage == "exchange":
        other = path.with_name("other.safetensors")
        save_weights(other, {"a": torch.zeros(3)})
        other.replace(path)
    else:
        (path if damage == "no weights" else path.with_suffix(".json")).unlink()
    with pytest.raises(UserError, match=path.stem):
        load_weights(path)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files may not grow beyond 64 KiB: to a writer the same as a disk that is full."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_explained_and_leaves_nothing(path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        save_weights(path, {"a": torch.zeros(2**16)})
    assert list(path.parent.iterdir()) == []
