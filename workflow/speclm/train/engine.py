"""The machine under a training: how the configuration wants it used, set so that the same numbers come out every time.

Settings of the engine change speed and the last bits of results, never what is computed. The thread count is one: sums
taken by two threads differ in the last bits from those taken by one. Denormal numbers are flushed to zero: Adam's
moments decay into them, and they make matrix products ten times slower.

    prepare(Engine("cpu", threads=1, precision="float32", compile=False, processes=1, shard=False)) -> device "cpu"
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from speclm.stage.errors import UserError
from speclm.stage.interrupt import StopFlag
from speclm.stage.job import Job
from speclm.stage.settings import from_mapping
from speclm.stage.summary import processor


@dataclass(frozen=True)
class Engine:
    """The configuration's section "engine".

    device      cpu or cuda
    threads     of each process
    precision   of matrix products; weights and Adam's state are float32 with each
    compile     the training step is compiled
    processes   that share each step of one pretraining
    shard       weights, gradients and Adam's state are divided over them
    """

    device: str
    threads: int
    precision: Literal["float32", "tensorfloat32", "bfloat16"]
    compile: bool
    processes: int
    shard: bool


@dataclass(frozen=True)
class Session:
    """What every stage that trains is given: where it writes, what makes it itself, who may stop it, and the machine.

    output       folder of its results
    scratch      folder of its work in progress
    fingerprint  of settings, revision and inputs: work of another one is not continued
    """

    output: Path
    scratch: Path
    fingerprint: Mapping[str, Any]
    seed: int
    stop: StopFlag
    engine: Engine


@contextmanager
def open_session(job: Job) -> Iterator[Session]:
    """The session of a stage whose results lie beside its output "summary"."""
    engine = engine_of(job)
    with StopFlag() as stop:
        yield Session(job.outputs["summary"].parent, job.scratch, job.fingerprint, job.seed, stop, engine)


def engine_of(job: Job) -> Engine:
    """The engine that a job's settings ask for."""
    return from_mapping(Engine, job.settings["engine"], "engine")


def machine(engine: Engine) -> dict[str, Any]:
    """What seconds were measured on, and how it was used."""
    device = processor() if engine.device == "cpu" else torch.cuda.get_device_name()
    return {"device": device, "host": platform.node(), "engine": asdict(engine)}


def prepare(engine: Engine) -> torch.device:
    """Fix threads and algorithms of this process and return its device.

    Raises:
        UserError: the device is not there.
    """
    if engine.device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats its sums only with this
    if engine.device != "cpu" and not (engine.device == "cuda" and torch.cuda.is_available()):
        raise UserError(
            f'the device "{engine.device}" is not on this machine', key="engine.device", remedy='set it to "cpu"'
        )
    torch.set_flush_denormal(True)  # before the worker threads start: they inherit it
    torch.set_num_threads(engine.threads)
    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms, without importing the compiler
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a debugging aid that costs a write per tensor
    return torch.device(engine.device)
