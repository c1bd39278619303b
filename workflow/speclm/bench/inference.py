"""What a served model costs: milliseconds per token, tokens per second, memory at rest, FLOPs.

All methods but the LLM serve a plain transformer of the SLM's size, so two models stand for all. How they are measured
is `train/serving.py`, as for table 2 of a study; here with first weights, which cost the same as trained ones.

    127 tokens in 44.5 ms: 0.35 ms per token
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from speclm.bench.bench import Bench
from speclm.bench.contest import alone
from speclm.bench.estimate import Estimate, exact
from speclm.bench.table import Figures
from speclm.bench.training import Training
from speclm.model.transformer import Transformer, initialize
from speclm.model.weights import save_weights
from speclm.train.serving import measure_serving


def served_models(bench: Bench) -> Figures:
    """Figures of both served shapes."""
    trainings = {"SLM": bench.training("slm"), "LLM": bench.training("llm")}
    frame = alone(partial(measure, trainings, bench.folder, bench.config["evaluate"]["batch"]), bench.environment)
    figures: dict[str, Estimate | None] = {}
    for row in frame.to_dict("records"):
        delay = (row["ms_per_token"], row["ms_low"], row["ms_high"])
        speed = (row["tokens_per_second"], row["tokens_per_second_low"], row["tokens_per_second_high"])
        figures |= {
            f"{row['method']} served, ms per token at batch 1": Estimate(*delay),
            f"{row['method']} served, tokens/s at batches of {row['batch']}": Estimate(*speed),
            f"{row['method']} served, MB of weights": exact(row["bytes_weights"] / 1e6),
            f"{row['method']} served, MFLOP per token": exact(row["flops_per_token"] / 1e6),
        }
    return figures


def measure(trainings: dict[str, Training], folder: Path, batch_windows: int) -> pd.DataFrame:
    """The serving table of these trainings' models before training."""
    paths: Sequence[Path] = [_save(name, training, folder) for name, training in trainings.items()]
    engine = next(iter(trainings.values())).engine
    return measure_serving(paths, batch_windows, engine)


def _save(name: str, training: Training, folder: Path) -> Path:
    model, path = Transformer(training.size), folder / f"{name}.safetensors"
    initialize(model, torch.Generator().manual_seed(training.seed))
    save_weights(path, model.state_dict(), method=name, model=asdict(training.size))
    return path
