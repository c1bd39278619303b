"""Everything that a table of the paper is made from: results, cluster histograms, models, measured times, the paper.

The configuration's sections go in, `Models` come out: sizes of the study's transformers, of its mixture and of its
projected network. Numbers of the paper lie in a folder of CSV files, one for each of its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.model.size import ModelSize, ProjectionSize
from speclm.study.evidence import Evidence


@dataclass(frozen=True)
class Models:
    """The models' settings. `mixtures` and `projections`: every number of experts to list; the first is the study's.
    `relative_cost`: by method, as set."""

    slm: ModelSize
    llm: ModelSize
    mixtures: tuple[int, ...]
    projections: tuple[ProjectionSize, ...]
    optimizer: Mapping[str, Mapping[str, Any]]
    relative_cost: Mapping[str, float]


def models_of(chosen: Mapping[str, Any]) -> Models:
    """The study's models and its variants' numbers of experts.

    Args:
        chosen: the configuration's keys "models", "pretrain", "tokenizer", "context" and "ablations".
    """
    models, pretrain = chosen["models"], chosen["pretrain"]
    shape = chosen["tokenizer"]["vocabulary"], chosen["context"]
    experts = {
        kind: [models[kind], *({**models[kind], **changed} for changed in _changed(kind, chosen["ablations"]))]
        for kind in ("slm_mix", "slm_pn")
    }
    return Models(
        slm=ModelSize(*shape, **models["slm"]),
        llm=ModelSize(*shape, **models["llm"]),
        mixtures=tuple(section["experts"] for section in experts["slm_mix"]),
        projections=tuple(ProjectionSize(**section) for section in experts["slm_pn"]),
        optimizer={
            label: {
                "optimizer": "Adam",
                "learning_rate": pretrain["learning_rate"][label.lower()],
                "gradient_clipping_norm": pretrain["clip"],
                "linear_warmup_steps": _warmup(pretrain["warmup"][label.lower()]),
            }
            for label in ("SLM", "LLM")
        },
        relative_cost=pretrain["relative_cost"],
    )


def _warmup(value: float) -> int | str:
    return int(value) if value >= 1 else f"{value:.0%} of the smallest budget"


@dataclass(frozen=True)
class Sources:
    """What a table may be made of.

    Attributes:
        timings, serving: timings.tsv and serving.tsv, which differ from run to run.
        paper: the folder with the paper's numbers.
        deviations: how the data of a corpus departs from the paper's.
        clusters: what clusters are of and what SLM-is was drawn by, in words; "" where that is not known.
    """

    evidence: Evidence
    histograms: pd.DataFrame
    models: Models
    timings: pd.DataFrame
    serving: pd.DataFrame
    paper: Path
    deviations: Mapping[str, str] = field(default_factory=dict)
    clusters: str = ""

    def published(self, name: str) -> pd.DataFrame:
        """A table of the paper."""
        return pd.read_csv(self.paper / f"{name}.csv")


def _changed(kind: str, variants: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What variants change of a model, where that is the number of its experts."""
    for variant in variants:
        changed = variant["change"].get("models", {}).get(kind, {})
        if "experts" in changed:
            yield changed
