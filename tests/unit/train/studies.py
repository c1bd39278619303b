"""Tiny pretrainings and specialisations of every kind, run as a stage would run them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from speclm.data.windows import Windows
from speclm.model.size import ModelSize, ProjectionSize
from speclm.model.transformer import Transformer, initialize
from speclm.train.distill import Distillation, Teachers
from speclm.train.engine import Engine, Session
from speclm.train.finetune import DomainSize, Finetuning
from speclm.train.loop import Optimization
from speclm.train.pretrain import Pretraining, Projection, expert_order, pretrain, sampled_order, uniform_order
from speclm.train.specialize import Domain, Run, Task, specialize
from unit.train.interrupts import Never

EXPERTS = 3
PROJECTION = ProjectionSize(EXPERTS, components=3, rank=2, projected_layers=1, start="shared")
ENGINE = Engine(device="cpu", threads=1, precision="float32", compile=False, processes=1, shard=False)
BUDGETS = {1: 4 * 4 * 8, 2: 10 * 4 * 8 + 5}  # 4 and 10 steps of 4 windows of 8 tokens
WARMUP = 2  # steps
PRETRAINED = ("slm", "llm", "slm_mix", "slm_is", "slm_pn")


@dataclass(frozen=True)
class Study:
    """Stores and settings that all methods share, and the folder that everything goes to."""

    folder: Path
    generic: Windows
    heldout: Windows
    train: Windows
    valid: Windows
    size: ModelSize
    optimization: Optimization
    engine: Engine = ENGINE
    cooldown: float = 0.5

    def pretrain(self, method: str, place: str, stop: Any = None, part: str | None = None) -> dict[str, Any]:
        """Pretrain into {folder}/{place}/{method}."""
        clusters = {name: clusters_of(windows) for name, windows in (("g", self.generic), ("h", self.heldout))}
        part = part or {"slm_mix": "expert1", "slm_is": "sympy"}.get(method, "all")
        orders = {
            "slm_mix": lambda: expert_order(clusters["g"], int(part[-1]), self.optimization.batch_windows, 7),
            "slm_is": lambda: sampled_order(np.array([3, 3, 0, 9, 4, 3, 2])),
        }
        projection = Projection(PROJECTION, clusters["g"], clusters["h"])
        output = self.folder / place / method / part
        return pretrain(
            method,
            part,
            self.size_of(method),
            projection if method == "slm_pn" else None,
            self.generic,
            self.heldout,
            orders.get(method, lambda: uniform_order(self.generic, 7))(),
            BUDGETS,
            Pretraining(self.optimization, WARMUP, self.cooldown, 3, 2, 4, 6, 4),
            session(output, method, stop, self.engine),
        )

    def specialize(
        self,
        method: str,
        place: str,
        runs: list[Run],
        stop: Any = None,
        settings: Finetuning | None = None,
        teacher_budget: int | None = None,
    ) -> dict[str, Any]:
        """Specialise the checkpoints of `pretrain(…, "base")` into {folder}/{place}/{method}."""
        task = self.task(method, settings, teacher_budget)
        return specialize(task, runs, session(self.folder / place / method, method, stop, self.engine))

    def task(self, method: str, settings: Finetuning | None = None, teacher_budget: int | None = None) -> Task:
        """What is specialised: the checkpoints of `pretrain(…, "base")`."""
        base = {"slm_d": "slm"}.get(method, method)
        parts = {"slm_mix": [f"expert{e}" for e in range(EXPERTS)], "slm_is": ["sympy"]}.get(base, ["all"])
        starts = {
            budget: [self.folder / "base" / base / part / f"checkpoints/b{budget}.safetensors" for part in parts]
            for budget in BUDGETS
        }
        llm = self.folder / "special/llm/models"
        taught = {
            (size, budget): llm / f"none.n{size}.b{budget}.safetensors" for size in (32, 96) for budget in BUDGETS
        }
        return Task(
            method,
            Domain(
                "sympy", self.train, self.valid, clusters_of(self.train) if method in ("slm_mix", "slm_pn") else None
            ),
            self.size_of(method),
            {0: []} if method == "slm_nopt" else starts,
            Teachers(taught, Distillation(0.5, 1.0), teacher_budget) if method == "slm_d" else None,
            settings or self.finetuning(),
        )

    def finetuning(self) -> Finetuning:
        """Fine-tuning on 32 and 96 tokens, that is 4 and 12 windows."""
        sizes = (DomainSize(32, 3.0, 6, 2), DomainSize(96, 1.0, 9, 3))
        return Finetuning(self.optimization, sizes, None, 2, 8, 4, 4, 3, 2)

    def model(self, weights: dict[str, torch.Tensor]) -> Transformer:
        """A small transformer with these weights."""
        model = Transformer(self.size)
        model.load_state_dict(weights)
        return model

    def size_of(self, method: str) -> ModelSize:
        """The llm is wider."""
        return ModelSize(**{**vars(self.size), "width": 24, "heads": 3}) if method == "llm" else self.size


def session(output: Path, method: str, stop: Any = None, engine: Engine = ENGINE) -> Session:
    """The session of a stage that writes to `output`."""
    return Session(output, output / "scratch", {"method": method}, 7, stop or Never(), engine)


def clusters_of(windows: Windows) -> np.ndarray:
    """Clusters 0, 1, 2, 2, 0, 1, 2, 2, …"""
    return np.array([0, 1, 2, 2], dtype=np.int32)[np.arange(windows.count) % 4]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file outside scratch."""
    files = (path for path in sorted(folder.rglob("[!.]*")) if path.is_file() and "scratch" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def drawn(size: ModelSize, seed: int) -> dict[str, torch.Tensor]:
    """First weights, three times as large: predictions that differ."""
    model = Transformer(size)
    initialize(model, torch.Generator().manual_seed(seed))
    return {name: 3 * tensor.detach() for name, tensor in model.state_dict().items()}
