"""What stands beside each other in the contests of steps; nothing is timed here."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from speclm.bench import speed, table
from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, Turn
from speclm.bench.measurements import MEASUREMENTS
from speclm.bench.speed import against_peers, against_products

SECONDS = {"ours": 1.0, "nanoGPT-style": 2.0, "nanoGPT-style, our allocator": 1.5, "HF Trainer": 3.0}


@pytest.fixture(autouse=True)
def contestants(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> list[Contestant]:
    """Those of all contests, which end at once, with the seconds above."""
    seen: list[Contestant] = []

    def contest(of: Sequence[Contestant], rounds: int, seconds: float, processes: int = 1) -> dict[str, list[Turn]]:
        seen.extend(of)
        return {each.name: [Turn(SECONDS.get(each.name, 4.0), 100, 50)] * rounds for each in of}

    monkeypatch.setattr(speed, "contest", contest)
    bench.config["models"]["slm_pn"] |= {"projected_layers": 2}  # type: ignore[index]
    return seen


def test_a_ratio_of_speeds_is_a_ratio_of_seconds_turned_over(bench: Bench) -> None:
    figures = against_peers(bench, "llm", 1)
    ratios = {name: figure.value for name, figure in figures.items() if figure and name.startswith("LLM tokens/s over")}
    assert ratios == {
        "LLM tokens/s over nanoGPT-style, 1 thread": 2.0,
        "LLM tokens/s over HF Trainer, 1 thread": 3.0,
        "LLM tokens/s over nanoGPT-style, our allocator, 1 thread": 1.5,
        "LLM tokens/s over HF Trainer, our allocator, 1 thread": 4.0,
    }


def test_peers_train_the_same_size_on_as_many_windows(bench: Bench, contestants: list[Contestant]) -> None:
    against_peers(bench, "slm_pn", 2)
    trained = [each.work.args[0] for each in contestants]  # type: ignore[attr-defined]
    assert trained == [bench.training("slm_pn").with_threads(2)] * 5
    assert trained[0].size == bench.training("slm").size


def test_the_allocator_is_ours_where_it_is_said(bench: Bench, contestants: list[Contestant]) -> None:
    against_peers(bench, "slm", 1)
    with_ours = {each.name for each in contestants if each.environment == bench.environment}
    assert with_ours == {"ours", "nanoGPT-style, our allocator", "HF Trainer, our allocator"}


def test_every_method_has_its_share_of_the_machines_rate(bench: Bench) -> None:
    figures = against_products(bench)
    shares = {name for name in figures if name.endswith("step: share of sgemm rate")}
    assert shares == {f"{name} step: share of sgemm rate" for name in ("SLM", "LLM", "SLM-pn")}


def test_targets_name_figures_and_no_figure_stands_twice(bench: Bench) -> None:
    speeds = [each for each in MEASUREMENTS if each.name.startswith("peers") or each.name == "products"]
    names = [row["name"] for each in speeds for row in table.rows(each, each.measure(bench))]
    assert len(speeds) == 5
    assert len(names) == len(set(names))
