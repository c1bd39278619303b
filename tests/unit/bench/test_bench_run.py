"""A tiny run of two rows: our step and nanoGPT's style by turns, from contest to file."""

from functools import partial
from pathlib import Path

import pytest

from speclm.bench import table
from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, contest
from speclm.bench.estimate import ratio
from speclm.bench.measurements import MEASUREMENTS
from speclm.bench.nanogpt import train_nanogpt
from speclm.bench.operators import profile
from speclm.bench.table import Figures, Measurement
from speclm.bench.training import train_ours
from speclm.stage.files import read_table


def two_figures(bench: Bench) -> Figures:
    slm = bench.training("slm")
    contestants = [
        Contestant("ours", partial(train_ours, slm), bench.environment),
        Contestant("peer", partial(train_nanogpt, slm)),
    ]
    turns = contest(contestants, bench.rounds, bench.seconds)
    seconds = {name: [turn.seconds for turn in of] for name, of in turns.items()}
    resident = {name: [float(turn.resident) for turn in of] for name, of in turns.items()}
    return {"speed": ratio(seconds["peer"], seconds["ours"]), "memory": ratio(resident["ours"], resident["peer"])}


def test_two_rows(bench: Bench, tmp_path: Path) -> None:
    measurement = Measurement("tiny", two_figures, {"speed": ">= 0.1", "memory": "<= 5"})
    table.write(tmp_path / "bench.tsv", table.rows(measurement, measurement.measure(bench)))
    frame = read_table(tmp_path / "bench.tsv")
    assert frame["name"].tolist() == ["speed", "memory"]
    assert frame["reached"].tolist() == ["yes", "yes"]
    assert (frame["low"] <= frame["value"]).all()
    assert (frame["value"] <= frame["high"]).all()


def test_memory_and_gpu_give_the_figures_that_have_targets(bench: Bench) -> None:
    for measurement in MEASUREMENTS:
        if measurement.name in ("memory", "gpu"):
            rows = table.rows(measurement, measurement.measure(bench))
            assert set(measurement.targets) <= {row["name"] for row in rows}


def test_a_profile_has_the_steps_matrix_products(bench: Bench) -> None:
    frame = profile(bench.training("slm")).set_index("operator")
    assert frame["share"].sum() == pytest.approx(1.0)
    # of 2 layers with 4 matrices and the output matrix: forward, two gradients; each of them once per step
    assert frame.loc["aten::mm", "calls_per_step"] >= 2 * 4 * 3
    assert frame.index[0] == frame["share"].idxmax()
