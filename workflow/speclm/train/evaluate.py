"""Perplexity: how well a model predicts text that nobody chose anything by, document by document.

A split is one stream of tokens. Every token but the stream's first is predicted exactly once, in non-overlapping
windows as in training; the tail that fills no window is padded with targets that do not count. Sums are kept per
document (data/measurements.py):

    tokens 0 1 2 3 4 5 6 7, T = 3: windows 0123, 3456, 67__ predict 123, 456, 7

A model that routes windows to experts reads the tail with the last whole window's expert: it was never clustered.

Shapes: B windows, T context, L = T + 1, N documents, S predicted tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from speclm.data.measurements import KEY, sum_by_document, write_measurements
from speclm.data.windows import Windows
from speclm.model.loss import IGNORED
from speclm.model.size import ModelSize
from speclm.model.weights import load_weights
from speclm.train.batches import load
from speclm.train.engine import Engine, prepare
from speclm.train.experts import open_experts
from speclm.train.memory import enough_memory
from speclm.train.score import Score, plain_score, routed_score


@enough_memory("evaluate.batch")
def evaluate_models(
    models: Path, split: str, windows: Windows, batch_windows: int, output: Path, engine: Engine
) -> dict[str, Any]:
    """Measure every specialised model of a folder on one split; write documents.parquet and measurements.json."""
    device = prepare(engine)
    scores: dict[str, pd.DataFrame] = {}  # equal weights (two selections of one expert) are measured once
    measured = []
    for path in sorted(models.glob("*.safetensors")):
        state, meta = load_weights(path)
        expert = f"{meta['size']}.{meta['budget']}.{meta['expert']}"
        if expert not in scores:
            score = plain_score(ModelSize(**meta["model"]), state, device)
            with engine.autocast():
                scores[expert] = document_losses(score, windows, batch_windows, device)
        measured.append(({**{name: meta[name] for name in KEY[:-1]}, "split": split}, scores[expert]))
    return write_measurements(output, measured)


@enough_memory("evaluate.batch")
def evaluate_pretrained(
    method: str,
    folders: Sequence[Path],
    budgets: Sequence[int],
    domain: str,
    split: str,
    windows: Windows,
    clusters_N: NDArray[np.int32] | None,
    seed: int,
    batch_windows: int,
    output: Path,
    engine: Engine,
) -> dict[str, Any]:
    """Measure a pretraining at every budget, before any specialisation; write documents.parquet and measurements.json.

    Args:
        folders: of checkpoints: one, or those of slm_mix's experts in their order.
        domain, split: what `windows` are of: "generic", "heldout" or a domain's.
        clusters_N: of these windows, for a method with experts.
    """
    device = prepare(engine)
    measured = []
    for budget in sorted(budgets):
        paths = [folder / f"b{budget}.safetensors" for folder in folders]
        size = ModelSize(**load_weights(paths[0])[1]["model"])
        experts = [expert() for expert in open_experts(size, paths, seed)]
        if clusters_N is None:
            score = plain_score(size, experts[0], device)
        else:
            score = routed_score(size, experts, clusters_N, device)
        key = dict(zip(KEY, (method, "none", domain, 0, budget, seed, split), strict=True))
        with engine.autocast():
            measured.append((key, document_losses(score, windows, batch_windows, device)))
    return write_measurements(output, measured)


def document_losses(score: Score, windows: Windows, batch_windows: int, device: torch.device) -> pd.DataFrame:
    """One row per document: document (its number in the split), nll (sum in nats), tokens (predicted ones), bytes."""
    return sum_by_document(np.concatenate(list(_predictions(score, windows, batch_windows, device))), windows)


def _predictions(
    score: Score, windows: Windows, batch_windows: int, device: torch.device
) -> Iterable[NDArray[np.float64]]:
    """The nll of every token of the stream but the first, in order."""
    for start in range(0, windows.count, batch_windows):
        indices_B = np.arange(start, min(start + batch_windows, windows.count))
        yield _numbers(score(load(windows, indices_B, device), indices_B))
    tail = np.asarray(windows.tokens[windows.count * windows.context :], dtype=np.int64)
    if len(tail) > 1:
        tokens_1L = np.full((1, windows.context + 1), IGNORED)
        tokens_1L[0, : len(tail)] = tail
        last = np.array([max(0, windows.count - 1)])
        yield _numbers(score(torch.from_numpy(tokens_1L).to(device), last))[: len(tail) - 1]


def _numbers(nll_BT: Tensor) -> NDArray[np.float64]:
    return nll_BT.flatten().double().cpu().numpy()
