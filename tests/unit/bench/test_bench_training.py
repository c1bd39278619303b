"""Our contestant is the workflow's own pretraining, and is asked once before every step."""

import json
from pathlib import Path

import numpy as np
import pytest

from speclm.bench import training as room
from speclm.bench.bench import Bench
from speclm.bench.training import train_ours
from speclm.data.windows import open_windows
from speclm.model.projected import ProjectedTransformer
from speclm.model.size import projected_parameter_count
from speclm.model.transformer import Transformer


def test_a_training_asks_once_before_every_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(room, "TemporaryDirectory", lambda: Kept(bench.folder / "kept"))
    train_ours(bench.training("slm"), lambda: calls.append(len(calls)), steps=20)
    losses = [json.loads(line) for line in (bench.folder / "kept/output/metrics.jsonl").read_text().splitlines()]
    assert len(calls) == 20
    assert [line["step"] for line in losses] == [0, 10, 20]
    assert losses[2]["loss"] < losses[1]["loss"] < np.log(64)  # it learns


def test_the_text_is_made_by_zipfs_law_and_repeats(bench: Bench) -> None:
    windows = open_windows(bench.training("slm").store)
    counts = np.bincount(windows.tokens, minlength=64)
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.15)
    assert windows.count >= 4096
    other = Bench(bench.config, bench.repository, bench.folder / "other", 1, 1.0, 0)
    np.testing.assert_array_equal(open_windows(other.training("slm").store).tokens, windows.tokens)


def test_parameters_are_those_of_the_models(bench: Bench) -> None:
    plain = bench.training("slm")
    assert plain.parameters == sum(p.numel() for p in Transformer(plain.size).parameters())
    projected = plain.projected(experts=8, components=4, rank=3)
    assert projected.projection is not None
    model = ProjectedTransformer(projected.size, projected.projection)
    assert projected.parameters == sum(p.numel() for p in model.parameters())
    assert projected.parameters == projected_parameter_count(plain.size, projected.projection)


class Kept:
    """Like a temporary directory, but stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> str:
        return str(self._folder)

    def __exit__(self, *_: object) -> None:
        pass
