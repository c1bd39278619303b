"""A program for torchrun: the same small trainings by two processes, in float64, divided in each of two ways.

    torchrun --nproc-per-node 2 parallel.py FOLDER

Every rank leaves in the folder, for each training, the windows that it saw and the bytes of weights that it held
(Adam's moments are shaped as they are); the first also the weights that came out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize
from speclm.model.transformer import Transformer, initialize
from speclm.train.batches import Indices, ShuffledEpochs
from speclm.train.engine import Engine, Session, prepare
from speclm.train.loop import Optimization, StepLoss, Validation, train
from speclm.train.ranks import Ranks, open_ranks
from unit.train.interrupts import Never
from unit.train.studies import ENGINE

SIZE = ModelSize(vocabulary=40, context=8, layers=2, width=16, heads=2, inner=32)
METHODS = ("slm", "slm_pn")
WINDOWS, BATCH, STEPS = 24, 8, 12  # three steps are an epoch
OPTIMIZATION = Optimization(0.01, 0.9, 0.99, 0.0, 0.5, 3, BATCH, 2)


@dataclass
class Trained:
    """Weights at the end, validation losses, the windows seen, and the bytes of weights held."""

    weights: dict[str, Tensor]
    looks: list[float]
    seen: list[int]
    held: int


def trained(method: str, folder: Path, engine: Engine, ranks: Ranks, micro_batch: int = 2) -> Trained:
    """Train a model in float64 on a store of range(n)."""
    projection = ProjectionSize(experts=3, components=4, rank=2, projected_layers=1, start="shared")
    model: Any = ProjectedTransformer(SIZE, projection) if method == "slm_pn" else Transformer(SIZE)
    initialize(model, torch.Generator().manual_seed(1))
    model.double()
    tokens = torch.arange(WINDOWS * SIZE.context + 1)
    seen: list[int] = []
    looks: list[float] = []
    kept: dict[str, Tensor] = {}

    def batch(indices_B: Indices) -> tuple[Tensor, ...]:
        seen.extend(indices_B.tolist())
        tokens_BL = torch.stack([tokens[8 * i : 8 * i + 9] for i in indices_B.tolist()]) % SIZE.vocabulary
        return (tokens_BL, torch.from_numpy(indices_B % 3)) if method == "slm_pn" else (tokens_BL,)

    def measure(model: Any) -> float:
        indices_B = np.arange(4)
        looks.append(float(model.nll(*batch(indices_B)).mean()))
        del seen[-4:]
        return looks[-1]

    train(
        model,
        StepLoss(batch, lambda model, *tensors: model.loss(*tensors)),
        ShuffledEpochs(np.arange(WINDOWS), 0, "range"),
        replace(OPTIMIZATION, micro_batch_windows=micro_batch),
        STEPS,
        milestones=(STEPS,),
        on_milestone=lambda step, state: kept.update({n: t.clone() for n, t in state.weights().items()}),
        validation=Validation(measure, 4, None),
        journal_every=1,
        save_every=5,
        tokens_per_window=8,
        seed=1,
        session=Session(folder, folder, {}, 1, Never(), engine),
        ranks=ranks,
    )
    return Trained(kept, looks, seen, _held(model))


def _held(model: nn.Module) -> int:
    """Bytes of this process's part of the parameters."""
    parts = (p.to_local() if hasattr(p, "to_local") else p for p in model.parameters())
    return sum(part.numel() * part.element_size() for part in parts)


def main(folder: Path) -> None:
    engine = replace(ENGINE, processes=2)
    with open_ranks(engine, prepare(engine)) as ranks:
        for shard in (False, True):
            for method in METHODS:
                name = f"{method}.{'shard' if shard else 'average'}"
                result = trained(method, folder / name, engine, replace(ranks, shard=shard))
                np.savez(folder / f"{name}.{ranks.number}", seen=result.seen, looks=result.looks, held=result.held)
                if ranks.first:
                    save_file(result.weights, folder / f"{name}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
