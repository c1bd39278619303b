"""The kinds of stage that train, each ready to be run in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from speclm.train.finetune import DomainSize, Finetuning
from speclm.train.specialize import Run
from unit.train.faults import Work
from unit.train.studies import EXPERTS, Study

KINDS = ("pretrain", "projected", "finetune", "distill")
Stage = Callable[[str], Work]  # the folder that its results go to -> what to run


def prepared(kind: str, study: Study) -> Stage:
    """A stage of this kind, after the pretrainings and the teacher that it starts from."""
    if kind in ("pretrain", "projected"):
        return partial(_pretrain, study, {"pretrain": "slm", "projected": "slm_pn"}[kind])
    if kind == "finetune":
        for expert in range(EXPERTS):
            study.pretrain("slm_mix", "base", part=f"expert{expert}")
        ways = ("most_frequent", "best_pretrained", "best_finetuned")
        # a high rate and a look after every step: each expert stops early, three steps after its best
        settings = replace(study.finetuning(), sizes=(DomainSize(96, 0.3, 24, 1),), patience=3)
        return partial(_specialize, study, "slm_mix", [Run(way, 96, 2) for way in ways], settings=settings)
    for method in ("slm", "llm"):
        study.pretrain(method, "base")
    runs = [Run("none", size, 2) for size in (32, 96)]
    study.specialize("llm", "special", runs)
    return partial(_specialize, study, "slm_d", runs)


def _pretrain(study: Study, method: str, place: str) -> Work:
    return partial(study.pretrain, method, place)


def _specialize(study: Study, method: str, runs: list[Run], place: str, settings: Finetuning | None = None) -> Work:
    return partial(study.specialize, method, place, runs, settings=settings)
