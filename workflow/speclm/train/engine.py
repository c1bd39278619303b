"""The machine under a training: how the configuration wants it used, set so that the same numbers come out every time.

Settings of the engine change speed and the last bits of results, never what is computed. The thread count is one: sums
taken by two threads differ in the last bits from those taken by one. Denormal numbers are flushed to zero: Adam's
moments decay into them, and they make matrix products ten times slower.

    prepare(Engine("cpu", threads=1, precision="float32", compile=False, processes=1, shard=False)) -> device "cpu"
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from speclm.stage.errors import UserError
from speclm.stage.files import sole
from speclm.stage.interrupt import StopFlag
from speclm.stage.job import Job
from speclm.stage.launch import rank
from speclm.stage.settings import from_mapping
from speclm.stage.summary import device_name
from speclm.stage.surroundings import cache_folder

NEW_TYPES = (8, 0)  # compute capability from which GPUs multiply in tensorfloat32 and bfloat16 (A100)


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

    def __post_init__(self) -> None:
        if self.shard and self.processes == 1:
            raise UserError(
                "there is nothing to divide over", key="engine.shard", remedy="use more processes, or false"
            )

    def autocast(self) -> AbstractContextManager[Any]:
        """What models compute under: with bfloat16, matrix products in that type."""
        if self.precision == "bfloat16":
            return torch.autocast(self.device, torch.bfloat16)
        return nullcontext()

    def measuring(self) -> AbstractContextManager[Any]:
        """What a compiled model is measured under: as it is, for it would be compiled again for every other batch."""
        return torch.compiler.set_stance("force_eager") if self.compile else nullcontext()


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
    """The session of a stage whose results lie beside its output "summary".

    Raises:
        UserError: another process is at work on this very job (of several ranks, the first sees to it), or its scratch
            cannot be written.
    """
    engine = engine_of(job)
    with StopFlag() as stop, nullcontext() if rank() else sole(job.scratch, job.scratch):
        yield Session(job.outputs["summary"].parent, job.scratch, job.fingerprint, job.seed, stop, engine)


def engine_of(job: Job) -> Engine:
    """The engine that a job's settings ask for."""
    return from_mapping(Engine, job.settings["engine"], "engine")


def machine(engine: Engine) -> dict[str, Any]:
    """What seconds were measured on, and how it was used."""
    return {"device": device_name(engine.device), "host": platform.node(), "engine": asdict(engine)}


def prepare(engine: Engine) -> torch.device:
    """Fix threads, algorithms and precision of this process and return its device.

    Raises:
        UserError: the device is not there, or lacks the precision; nothing to compile with.
    """
    device, rank = torch.device("cpu"), int(os.environ.get("LOCAL_RANK", "0"))
    if engine.device == "cuda" and torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats its sums only with this
        require_gpu(rank, torch.cuda.device_count())
        device = torch.device("cuda", rank)
        require_precision(engine, torch.cuda.get_device_capability(device))
        torch.backends.cuda.matmul.fp32_precision = "tf32" if engine.precision == "tensorfloat32" else "ieee"
    elif engine.device == "cpu":
        require_precision(engine, None)
    else:
        raise UserError(
            f'the device "{engine.device}" is not on this machine', key="engine.device", remedy='set it to "cpu"'
        )
    if engine.compile:
        _prepare_compiler()
    torch.set_flush_denormal(True)  # before the worker threads start: they inherit it
    torch.set_num_threads(engine.threads)
    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms, without importing the compiler
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a debugging aid that costs a write per tensor
    return device


def require_gpu(rank: int, gpus: int) -> None:
    """Raise UserError where the process of this number has no GPU of its own."""
    if rank >= gpus:
        raise UserError(
            f"process {rank} has no GPU: this machine has {gpus}",
            key="engine.processes",
            remedy=f"use at most {gpus}: each process needs one",
        )


def require_precision(engine: Engine, capability: tuple[int, int] | None) -> None:
    """Raise UserError where a GPU of this compute capability, or a CPU (None), lacks the engine's precision."""
    old_gpu = capability is not None and capability < NEW_TYPES
    if (engine.precision == "tensorfloat32" and capability is None) or (engine.precision != "float32" and old_gpu):
        device = "a CPU" if capability is None else "a GPU of compute capability {}.{}".format(*capability)
        raise UserError(f"{device} has no {engine.precision}", key="engine.precision", remedy='set it to "float32"')


def compile_step(model: nn.Module) -> None:
    """Compile a decoder's blocks in place, at their first call: parameters keep their names.

    One block serves for all, so that depth costs no time. The MLPs of a projected network run as they are: they are
    fused already, and their rows are grouped anew in every step; what is around them is traced once for every number of
    experts present.
    """
    torch._dynamo.config.recompile_limit = 64  # type: ignore[attr-defined]
    for mlp in model.mlps:  # type: ignore[union-attr]
        if hasattr(mlp, "route"):
            mlp.route = torch.compiler.disable(mlp.route)  # type: ignore[no-untyped-call]
    for block in model.blocks:  # type: ignore[union-attr]
        block.compile()


def _prepare_compiler() -> None:
    """Keep what is compiled for the next process; refuse where there is no C++ compiler (UserError)."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "speclm" / "compiled"))
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UserError(
            f"{compiler} is not here", key="engine.compile", remedy="install a C++ compiler, or set it to false"
        )
