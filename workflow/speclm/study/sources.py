"""Everything that a table of the paper is made from: results, cluster histograms, models, measured times, the paper.

The configuration's sections go in, `Models` come out: sizes of the study's transformers, of its mixture and of its
projected network. Numbers of the paper lie in a folder of CSV files, one for each of its tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.model.size import ModelSize, ProjectionSize
from speclm.study.evidence import Evidence


@dataclass(frozen=True)
class Models:
    """The models' settings. `mixtures` and `projections`: every number of experts to list; the first is the study's."""

    slm: ModelSize
    llm: ModelSize
    mixtures: tuple[int, ...]
    projections: tuple[ProjectionSize, ...]
    optimizer: Mapping[str, Mapping[str, Any]]


def models_of(models: Mapping[str, Any], pretrain: Mapping[str, Any], vocabulary: int, context: int) -> Models:
    """The study's models, from the configuration's sections "models" and "pretrain"."""
    return Models(
        slm=ModelSize(vocabulary, context, **models["slm"]),
        llm=ModelSize(vocabulary, context, **models["llm"]),
        mixtures=(models["slm_mix"]["experts"],),
        projections=(ProjectionSize(**models["slm_pn"]),),
        optimizer={
            label: {
                "optimizer": "Adam",
                "learning_rate": pretrain["learning_rate"][label.lower()],
                "gradient_clipping_norm": pretrain["clip"],
                "linear_warmup_steps": pretrain["warmup_steps"],
            }
            for label in ("SLM", "LLM")
        },
    )


@dataclass(frozen=True)
class Sources:
    """What a table may be made of.

    Attributes:
        timings, serving: timings.tsv and serving.tsv, which differ from run to run.
        paper: the folder with the paper's numbers.
    """

    evidence: Evidence
    histograms: pd.DataFrame
    models: Models
    timings: pd.DataFrame
    serving: pd.DataFrame
    paper: Path

    def published(self, name: str) -> pd.DataFrame:
        """A table of the paper."""
        return pd.read_csv(self.paper / f"{name}.csv")
