"""What is measured: one training of the study, and our own way of doing its steps.

The configuration goes in, trainings come out: the laptop's model sizes, optimizer and batch, on windows of made-up text
(tokens drawn by Zipf's law, so that rare rows of the embedding are rare). Ours is `pretrain` itself, as the workflow
calls it: batches read from the store, loss and gradient, clipping, AdamW, the check for divergence and the journal.
Validation, checkpoints and cooldowns, whose number is a setting, are left out.

`pretrain` asks before every step whether to stop. There the benchmark listens: to hand over to another contestant, or
to look at one step alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

from speclm.data.windows import open_windows, write_store
from speclm.model.size import ModelSize, ProjectionSize, parameter_count, projected_parameter_count
from speclm.stage.interrupt import StopFlag
from speclm.stage.recipes import pretraining_settings
from speclm.stage.settings import from_mapping
from speclm.stage.streams import rng
from speclm.train import settings
from speclm.train.engine import Engine, Session
from speclm.train.pretrain import Pretraining, Projection, pretrain, uniform_order

NEVER = 10**9  # steps

BeforeStep = Callable[[], None]


@dataclass(frozen=True)
class Training:
    """A training to be measured. `projection` makes it a projected network's; `store` holds its windows."""

    store: Path
    size: ModelSize
    projection: ProjectionSize | None
    settings: Pretraining
    engine: Engine
    seed: int

    @property
    def tokens_per_step(self) -> int:
        return self.settings.optimization.batch_windows * self.size.context

    @property
    def parameters(self) -> int:
        if self.projection is None:
            return parameter_count(self.size)
        return projected_parameter_count(self.size, self.projection)

    def with_threads(self, threads: int) -> Training:
        """The same training on so many threads."""
        return replace(self, engine=replace(self.engine, threads=threads))

    def projected(self, experts: int, components: int, rank: int) -> Training:
        """The projected network of this transformer, all its layers projected."""
        return replace(self, projection=ProjectionSize(experts, components, rank, self.size.layers, "shared"))


def training_of(config: Mapping[str, Any], method: str, store: Path) -> Training:
    """The pretraining that a configuration gives a method, or one expert of it."""
    own = pretraining_settings(config, method)
    return Training(
        store,
        ModelSize(config["tokenizer"]["vocabulary"], config["context"], **own["shape"]),
        ProjectionSize(**own["projection"]) if own["projection"] else None,
        settings.pretraining(
            {**own["pretrain"], "save_every": NEVER, "evaluate_every": NEVER, "cooldown": 0},
            config["evaluate"]["batch"],
        ),
        from_mapping(Engine, config["engine"], "engine"),
        config["seeds"][0],
    )


def write_windows(path: Path, vocabulary: int, context: int, windows: int, seed: int) -> None:
    """Write a store of made-up text: documents of 16 windows, tokens by Zipf's law."""
    stream = rng(seed, "bench", "tokens")
    share_V = 1.0 / np.arange(1, vocabulary + 1)
    share_V /= share_V.sum()

    def documents() -> Iterator[tuple[np.ndarray[Any, Any], int, int]]:
        for _ in range(windows // 16 + 1):
            tokens = stream.choice(vocabulary, size=16 * context, p=share_V)
            yield tokens, 5 * len(tokens), 5 * len(tokens)

    write_store(documents(), context, vocabulary, "made up", path)


def train_ours(training: Training, before_step: BeforeStep, steps: int = NEVER) -> None:
    """Train as the workflow does; `before_step` is called before every step."""
    windows = open_windows(training.store)
    with TemporaryDirectory() as folder:
        session = Session(
            Path(folder) / "output",
            Path(folder) / "scratch",
            {},
            training.seed,
            cast(StopFlag, _Listening(before_step)),
            training.engine,
        )
        pretrain(
            "slm" if training.projection is None else "slm_pn",
            "all",
            training.size,
            _routed(training, windows.count),
            windows,
            windows,
            uniform_order(windows, training.seed),
            {0: steps * training.tokens_per_step},
            training.settings,
            session,
        )


class _Listening:
    """Stands where a training looks for a request to stop, once before every step; there never is one."""

    def __init__(self, before_step: BeforeStep) -> None:
        self._before_step = before_step

    @property
    def requested(self) -> bool:
        self._before_step()
        return False


def _routed(training: Training, windows: int) -> Projection | None:
    """Windows in clusters drawn at random, all equally likely."""
    if training.projection is None:
        return None
    clusters_N = rng(training.seed, "bench", "clusters").integers(training.projection.experts, size=windows)
    return Projection(training.projection, clusters_N.astype(np.int32), clusters_N.astype(np.int32))
