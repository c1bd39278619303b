"""How long each job of a study is expected to take, before anything has run.

In go the jobs, their work (work.py) and the speed of the machine (speed.py); out come seconds. What has no work that is
worth counting takes what config/reference/durations.tsv says.

    pretrain_model slm, 7.5e12 FLOPs at 25 GFLOP/s:   300 s, and 2.5 s for Python and PyTorch
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from speclm.stage.graph import Node
from speclm.study.extent import Study
from speclm.study.speed import CORE_FLOPS, TEXT_SPEED, Speed
from speclm.study.work import Work, work_of

# Of a job, for Python and its libraries, with PyTorch and without: measured on the smallest.
TRAINING_START, START = 2.5, 0.7
# Of a training step's speed: fine-tuning has small batches.
SHARES = {"specialize_model": 0.75, "distill_model": 0.75}


class Seconds(NamedTuple):
    """Of a job: what the device computes, and what a core does beside it."""

    device: float
    core: float


def expected_seconds(study: Study, jobs: Sequence[Node], speed: Speed, durations: pd.DataFrame) -> list[Seconds]:
    """Of every job.

    Args:
        durations: columns rule, seconds.
    """
    usual = dict(zip(durations["rule"], durations["seconds"], strict=True))
    found = []
    for job in jobs:
        work = work_of(study, job.rule, job.wildcards)
        known = Seconds(0.0, usual.get(job.rule, START) / speed.core)
        found.append(known if work is None else _seconds(job.rule, work, speed))
    return found


def kind_of(job: Node) -> str:
    """Jobs that err alike: a rule's, of one method where it has one."""
    return f"{job.rule} {job.wildcards.get('method', '')}".strip()


def _seconds(rule: str, work: Work, speed: Speed) -> Seconds:
    if work.model:
        flops = work.flops + work.looks
        return Seconds(flops / speed.flops[work.model] / SHARES.get(rule, 1.0), TRAINING_START / speed.core)
    read = work.text / 1e6 / TEXT_SPEED[rule] if work.text else 0.0
    return Seconds(0.0, (START + work.flops / CORE_FLOPS + read) / speed.core)
