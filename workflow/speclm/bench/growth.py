"""How a data stage's cost grows with its text: seconds and peak memory at 1, 4 and 16 times.

The same text is given in 16 pieces, in 4 and as a whole, each time to a process of its own that has done one piece to
warm up. What is linear takes equally long every time; what runs shard by shard peaks at the same memory however large
the shard:

    16 pieces 2.40 s, whole 2.52 s   ->   1.05 times linear;   peak 230 MB and 236 MB   ->   1.03

Peak memory is that of the process, libraries and mapped files included (VmHWM, which Linux keeps).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from speclm.bench import stages
from speclm.bench.contest import alone, tell
from speclm.bench.estimate import estimate, ratio
from speclm.bench.stages import Models, Text

if TYPE_CHECKING:  # bench brings torch along, whose memory would count as every stage's
    from speclm.bench.bench import Bench
    from speclm.bench.table import Figures

STAGES = {
    "collecting": stages.collect,
    "encoding": stages.encode,
    "embedding": stages.embed,
    "assigning": stages.assign,
    "splitting": stages.split,
}
SIZES = {"1x": "sixteenth", "4x": "quarter", "16x": "whole"}
REPETITIONS = 3


@dataclass(frozen=True)
class Cost:
    """Of a stage over some texts: seconds for all of them, and the process's peak memory in bytes."""

    seconds: float
    peak: float


def growth_of_stages(bench: Bench) -> Figures:
    """Time and peak memory at 4x and 16x over those at 1x, for every stage; the peak in MB."""
    return {figure: value for name in STAGES for figure, value in growth(name, bench).items()}


def growth(name: str, bench: Bench) -> Figures:
    """The figures of one stage."""
    corpus, repetitions = bench.corpus, min(bench.rounds, REPETITIONS)
    costs: dict[str, list[Cost]] = {size: [] for size in SIZES}
    for repetition in range(repetitions):
        for size, part in SIZES.items():
            tell(f"{name} at {size}, repetition {repetition + 1} of {repetitions}")
            work = partial(cost, STAGES[name], corpus.parts["sixteenth"][0], corpus.parts[part], corpus.models)
            costs[size].append(alone(work, bench.environment))
    tell("")
    seconds = {size: [each.seconds for each in of] for size, of in costs.items()}
    peaks = {size: [each.peak for each in of] for size, of in costs.items()}
    return {
        f"{name}: time at 4x over linear": ratio(seconds["4x"], seconds["1x"]),
        f"{name}: time at 16x over linear": ratio(seconds["16x"], seconds["1x"]),
        f"{name}: peak memory at 4x over 1x": ratio(peaks["4x"], peaks["1x"]),
        f"{name}: peak memory at 16x over 1x": ratio(peaks["16x"], peaks["1x"]),
        f"{name}: peak memory at 16x, MB": estimate([peak / 1e6 for peak in peaks["16x"]]),
    }


def cost(stage: stages.Stage, warm: Text, texts: Sequence[Text], models: Models) -> Cost:
    """The cost of a stage over these texts, one after the other, in this process."""
    with TemporaryDirectory() as folder:
        stage(warm, models, Path(folder) / "warm")
        started = time.perf_counter()
        for number, text in enumerate(texts):
            stage(text, models, Path(folder) / str(number))
        return Cost(time.perf_counter() - started, peak_memory())


def peak_memory() -> float:
    """The most memory that this process has had resident, in bytes."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return 1024.0 * int(line.split()[1])
