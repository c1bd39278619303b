"""Our training steps on a GPU, at the paper's shapes: utilisation, tokens per second, and hours beside its table 2.

MFU is `size.training_flops_per_token` (matrix products, causal attention counted by half, no recomputation) times
tokens per second, over the device's dense bfloat16 peak as its maker states it. The paper's hours are of an A100;
1,000M tokens in 2.2 h are 126,000 tokens/s.

    126M SLM: 0.769 GFLOP per token; 643,000 tokens/s on an H100 are 494.5 TFLOP/s, MFU 50 %
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch

from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, alone, contest
from speclm.bench.estimate import Estimate, estimate, exact
from speclm.bench.memory import overhead, step_memory
from speclm.bench.table import Figures
from speclm.bench.training import BeforeStep, Training, train_ours, write_windows
from speclm.model.size import PAPER_LLM, PAPER_SLM, ProjectionSize, training_flops_per_token
from speclm.study.speed import PEAKS
from speclm.train.engine import Engine

# 32 experts, the MLPs of 5 of 7 layers: FACTS of the paper's section "Architecture".
PROJECTION = ProjectionSize(experts=32, components=32, rank=32, projected_layers=5, start="shared")
PAPER_HOURS = {"SLM": 2.2, "SLM-pn": 3.6, "LLM": 7.7}  # config/reference/paper/table_2_throughput.csv
BATCH_WINDOWS = 16
WINDOWS = 512


def on_gpu(bench: Bench) -> Figures:
    """Figures of the first GPU; None for each where there is none, and for MFU where its peak is not known."""
    names = {name: f"{name} on GPU, GPU-hours per 1B tokens (paper, A100: {PAPER_HOURS[name]})" for name in PAPER_HOURS}
    mfu, memory = "126M SLM on GPU, bf16, context 1,024: MFU", "126M SLM on GPU: peak memory over state and activations"
    if not torch.cuda.is_available():
        speeds = [f"{name} on GPU, tokens/s" for name in names]
        return dict.fromkeys([mfu, memory, *speeds, *names.values()])
    trainings = trainings_of(bench)
    contestants = [Contestant(name, partial(train_synchronized, training)) for name, training in trainings.items()]
    turns = contest(contestants, bench.rounds, bench.seconds)
    seconds = {name: [turn.seconds / trainings[name].tokens_per_step for turn in turns[name]] for name in trainings}
    peak = peak_flops(torch.cuda.get_device_name())
    flops = training_flops_per_token(PAPER_SLM)
    return {
        mfu: estimate([flops / each / peak for each in seconds["SLM"]]) if peak else None,
        memory: exact(overhead(trainings["SLM"], alone(partial(step_memory, trainings["SLM"]), {}))),
        **{f"{name} on GPU, tokens/s": estimate([1 / each for each in seconds[name]]) for name in trainings},
        **{names[name]: _hours(seconds[name]) for name in trainings},
    }


def trainings_of(bench: Bench) -> dict[str, Training]:
    """The paper's models on one GPU: bfloat16, compiled, a batch that fills it; the laptop's optimizer."""
    store = bench.folder / "gpu.bin"
    write_windows(store, PAPER_SLM.vocabulary, PAPER_SLM.context, WINDOWS, bench.config["seeds"][0])
    laptop = bench.training("slm")
    optimization = replace(
        laptop.settings.optimization,
        learning_rate=1e-4,  # the paper's
        batch_windows=BATCH_WINDOWS,
        micro_batch_windows=BATCH_WINDOWS,
    )
    settings = replace(laptop.settings, optimization=optimization, validation_windows=8, validation_batch_windows=8)
    engine = Engine("cuda", threads=1, precision="bfloat16", compile=True, processes=1, shard=False)
    slm = replace(laptop, store=store, size=PAPER_SLM, settings=settings, engine=engine)
    return {"SLM": slm, "SLM-pn": replace(slm, projection=PROJECTION), "LLM": replace(slm, size=PAPER_LLM)}


def train_synchronized(training: Training, before_step: BeforeStep) -> None:
    """Train as the workflow does; a step counts as done when the GPU has done it."""

    def when_done() -> None:
        torch.cuda.synchronize()
        before_step()

    train_ours(training, when_done)


def peak_flops(device: str) -> float | None:
    """The dense bfloat16 peak of a GPU of this name; None where it is not in the table."""
    return next((peak for name, peak in PEAKS.items() if name.lower() in device.lower()), None)


def _hours(seconds_per_token: list[float]) -> Estimate:
    return estimate([each * 1e9 / 3600 for each in seconds_per_token])
