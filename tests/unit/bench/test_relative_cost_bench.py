"""The relative cost at a configuration's shapes: each method as the study trains it, and lines that can be pasted."""

from pathlib import Path

import pytest
import yaml

from speclm.bench import relative_cost
from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, Turn
from speclm.bench.estimate import exact
from speclm.bench.relative_cost import METHODS, main, relative_costs, to_paste


@pytest.fixture
def tiny(bench: Bench) -> Bench:
    bench.config["models"]["slm_pn"] |= {"projected_layers": 1, "components": 2, "rank": 2}  # type: ignore[index]
    bench.config["pretrain"]["batch"] |= {"slm": 4, "llm": 2, "slm_mix": 1}  # type: ignore[index]
    return bench


def test_each_method_trains_as_in_the_study(tiny: Bench) -> None:
    trainings = {method: tiny.training(method) for method in METHODS}
    assert trainings["slm"].size == trainings["slm_pn"].size != trainings["llm"].size
    assert {method for method in METHODS if trainings[method].projection} == {"slm_pn"}
    windows = {method: training.tokens_per_step // 16 for method, training in trainings.items()}
    assert windows == tiny.config["pretrain"]["batch"]


def test_a_token_is_compared_with_the_slms_in_the_same_round(tiny: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps hold 4, 2, 1, 8 and 8 windows; the machine is half as fast in the second of three rounds."""
    slowness = (1.0, 2.0, 1.0)
    steps = {"slm": 4.0, "llm": 7.0, "slm_mix": 1.25, "slm_pn": 9.6, "slm_is": 8.0}

    def by_turns(contestants: list[Contestant], rounds: int, seconds: float) -> dict[str, list[Turn]]:
        assert ([each.name for each in contestants], rounds, seconds) == (list(METHODS), tiny.rounds, tiny.seconds)
        return {name: [Turn(slow * step, 0, 0) for slow in slowness] for name, step in steps.items()}

    monkeypatch.setattr(relative_cost, "contest", by_turns)
    tiny.config["pretrain"]["batch"] |= {"slm_pn": 8, "slm_is": 8}  # type: ignore[index]
    costs = relative_costs(tiny)
    assert list(costs) == list(METHODS)
    assert {name: cost.value for name, cost in costs.items()} == pytest.approx(
        {"slm": 1.0, "llm": 3.5, "slm_mix": 1.25, "slm_pn": 1.2, "slm_is": 1.0}
    )
    assert all(cost.low == pytest.approx(cost.high) for cost in costs.values())


def test_the_lines_can_be_pasted(tiny: Bench) -> None:
    costs = {**dict.fromkeys(METHODS, exact(1.004)), "llm": exact(3.726)}
    lines = to_paste(costs, tiny)
    read = yaml.safe_load(lines)
    assert read == {"relative_cost": {"slm": 1.0, "llm": 3.73, "slm_mix": 1.0, "slm_pn": 1.0, "slm_is": 1.0}}
    assert list(read["relative_cost"]) == list(tiny.config["pretrain"]["relative_cost"])
    assert lines.startswith("# Device time of a token against the SLM's on ") and "1 thread(s), 3 rounds" in lines


def test_a_file_is_laid_over_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Bench) -> None:
    seen = {}

    def measure(bench: Bench) -> dict[str, object]:
        seen.update(bench.config)
        return dict.fromkeys(METHODS, exact(1.0))

    monkeypatch.setattr(relative_cost, "relative_costs", measure)
    (tmp_path / "mine.yaml").write_text("context: 32\npretrain: {micro_batch: 2}\n")
    main(["--configfile", str(tmp_path / "mine.yaml")], tiny.repository, rounds=6, seconds=1.0)
    assert (seen["context"], seen["pretrain"]["micro_batch"]) == (32, 2)
    assert seen["pretrain"]["budgets"] == tiny.config["pretrain"]["budgets"]
