"""Cost against size: memory is that of the process at its highest, and a stage's figures come from three processes."""

from functools import partial
from pathlib import Path

from speclm.bench import growth, stages
from speclm.bench.bench import Bench
from speclm.bench.contest import alone
from speclm.bench.growth import cost, peak_memory
from speclm.bench.stages import Models, Text
from unit.bench.steps import hold


def test_the_peak_outlives_what_filled_it() -> None:
    before = alone(peak_memory, {})
    models, megabyte = Models(Path(), Path(), Path(), 1, 1, 1), 1 << 20
    texts = [Text(Path(), 200 * megabyte), Text(Path(), megabyte)]
    peak = alone(partial(cost, hold, texts[1], texts, models), {}).peak
    assert peak - before > 190 * megabyte


def test_every_size_is_the_same_text(data_bench: Bench) -> None:
    figures = growth.growth("collecting", data_bench)
    for size in ("4x", "16x"):
        time, memory = (
            figures[f"collecting: time at {size} over linear"],
            figures[f"collecting: peak memory at {size} over 1x"],
        )
        assert time and memory and time.value > 0 and 0.5 < memory.value < 2


def test_splits_of_a_part_share_nothing(data_bench: Bench, tmp_path: Path) -> None:
    stages.split(data_bench.corpus.whole, data_bench.corpus.models, tmp_path)
    assert (tmp_path / "generic/train.jsonl.zst").exists()
    assert (tmp_path / "domain/test.jsonl.zst").exists()
