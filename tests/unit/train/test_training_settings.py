"""The configuration's words as the train room's settings."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from speclm.train.settings import finetuning, on_all_text, pretraining, starts, wanted_runs
from speclm.train.specialize import Run

CONFIG = yaml.safe_load((Path(__file__).parents[3] / "config/config.yaml").read_text())
SPECIALIZE = {**CONFIG["specialize"], "max_steps": CONFIG["specialize"]["max_steps"]["slm"]}
SECTION = {"sizes": [10, 80], "best_finetuned_sizes": [10]}


def test_checkpoints_are_ordered_by_expert() -> None:
    assert starts([Path("a"), Path("b")], [100]) == {100: [Path("a/b100.safetensors"), Path("b/b100.safetensors")]}
    assert starts([], []) == {0: []}


def test_a_method_without_choice_runs_every_size_and_budget() -> None:
    runs = wanted_runs(SECTION, [100, 200], ["none"], before=True)
    assert runs == [Run("none", size, budget) for budget in (100, 200) for size in (0, 10, 80)]
    assert wanted_runs(SECTION, [], ["none"], before=False) == [Run("none", 10, 0), Run("none", 80, 0)]


def test_other_choices_are_compared_at_the_largest_budget() -> None:
    runs = wanted_runs(SECTION, [100, 200], ["most_frequent", "best_pretrained", "best_finetuned"], before=False)
    assert [run for run in runs if run.selection == "best_pretrained"] == [
        Run("best_pretrained", 10, 200),
        Run("best_pretrained", 80, 200),
    ]
    assert [run for run in runs if run.selection == "best_finetuned"] == [Run("best_finetuned", 10, 200)]


def test_only_the_smallest_size_learns_at_a_lower_rate() -> None:
    section = SPECIALIZE
    chosen = finetuning(section, CONFIG["pretrain"], 0.001, 64)
    assert [row.rate_divisor for row in chosen.sizes] == [section["smallest_rate_divisor"], 1.0, 1.0]
    assert [row.max_steps for row in chosen.sizes] == section["max_steps"]
    assert chosen.optimization.learning_rate == 0.001


def test_a_pretraining_takes_its_methods_rate() -> None:
    section = {**CONFIG["pretrain"], "learning_rate": 0.2, "warmup": 0.1, "batch": 8, "micro_batch": 8}
    assert pretraining(section, 64).optimization.learning_rate == 0.2
    assert pretraining(section, 64).optimization.clip == CONFIG["pretrain"]["clip"]


@pytest.mark.parametrize(
    ("tokens", "place", "divisor"), [(3000, 0, 3.0), (57_000, 2, 1.0), (56_000, 1, 1.0), (10**7, 2, 1.0)]
)
def test_all_text_is_learned_as_the_nearest_size(tokens: int, place: int, divisor: float) -> None:
    """The middle of 20k and 160k by ratio is 56.6k. More tokens than the size has get more steps in proportion."""
    sizes = [2500, 20_000, 160_000]
    section = {**SPECIALIZE, "sizes": sizes}
    windows = SimpleNamespace(count=tokens // 100, context=100)
    (row,) = finetuning(on_all_text(section, windows), CONFIG["pretrain"], 0.001, 64).sizes
    assert row.tokens == tokens // 100 * 100
    assert row.max_steps == round(max(1, row.tokens / sizes[place]) * section["max_steps"][place])
    assert row.validate_every == section["evaluate_every"][place]
    assert row.rate_divisor == divisor
