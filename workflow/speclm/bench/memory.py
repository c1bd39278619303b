"""How much memory a training step takes beyond what it must.

That is its peak over parameters, gradients, Adam's two moments and the activations that the backward pass needs.

Counted are bytes that are asked of the allocator, not the process's pages: on a CPU by the profiler's record of every
allocation of a step, on a GPU by `torch.cuda.max_memory_allocated`. Activations are the storages that autograd keeps
for the backward pass, those of our own functions included (`save_for_backward`), each once, and only if they were made
in that step: parameters that are kept too are counted as parameters. (Our loss keeps two gradients instead of
activations; that of the embedding so counts among both, 2 % of the sum for the laptop's SLM.)

    1M float32 parameters: 16 MB; activations 14 MB; peak of the step 33 MB: ratio 1.10
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from speclm.bench.bench import Bench
from speclm.bench.contest import alone
from speclm.bench.estimate import exact
from speclm.bench.table import Figures
from speclm.bench.training import Training, train_ours

BYTES = 4  # of a float32
WARM_UP_STEPS = 2


@dataclass
class Memory:
    """Bytes: the most that stood at once beyond what stood before, and what autograd kept for the backward pass."""

    peak: int = 0
    saved: int = 0


def memory_of_steps(bench: Bench) -> Figures:
    """Peak memory of one step over what must stand, for SLM, LLM and the projected network; megabytes beside it."""
    slm, projection = bench.training("slm"), bench.config["models"]["slm_pn"]
    trainings = {
        "SLM": slm,
        "LLM": bench.training("llm"),
        "SLM-pn": slm.projected(projection["experts"], projection["components"], projection["rank"]),
    }
    memories = {
        name: alone(partial(step_memory, training), bench.profiled_environment) for name, training in trainings.items()
    }
    figures = {}
    for name, memory in memories.items():
        figures[f"{name} peak memory of a step over state and activations"] = exact(overhead(trainings[name], memory))
    for name, memory in memories.items():
        figures[f"{name} peak memory of a step, MB"] = exact(memory.peak / 1e6)
        figures[f"{name} activations kept, MB"] = exact(memory.saved / 1e6)
    return figures


def overhead(training: Training, memory: Memory) -> float:
    """Peak over parameters, gradients, Adam's moments and the activations kept."""
    return memory.peak / (4 * BYTES * training.parameters + memory.saved)


def step_memory(training: Training) -> Memory:
    """The memory of one step in the middle of a training; its peak includes what stands before: parameters and moments.

    Gradients are made in a step and gone after it.
    """
    watching, steps = ExitStack(), iter(range(WARM_UP_STEPS + 2))
    memories = []

    def before_step() -> None:
        step = next(steps)
        if step == WARM_UP_STEPS:
            memories.append(watching.enter_context(watch(training.engine.device)))
        elif step > WARM_UP_STEPS:
            watching.close()

    train_ours(training, before_step, WARM_UP_STEPS + 2)
    [memory] = memories
    return Memory(memory.peak + 3 * BYTES * training.parameters, memory.saved)


@contextmanager
def watch(device: str) -> Iterator[Memory]:
    """Watch the block's memory on a device, "cpu" or "cuda"; what was found stands in the result after the block."""
    memory, kept = Memory(), {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # itself, as a function's output, would keep its function and so itself alive

    standing = _reset_cuda() if device == "cuda" else 0
    with (
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        yield memory
    events = [event for event in _allocations(profiler) if (event["Device Type"] == 0) == (device == "cpu")]
    made = {event["Addr"] for event in events if event["Bytes"] > 0}
    memory.saved = sum(size for address, size in kept.items() if address in made)
    if device == "cuda":
        memory.peak = torch.cuda.max_memory_allocated() - standing
    else:
        memory.peak = max((event["Total Allocated"] for event in events), default=0)


def _reset_cuda() -> int:
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _allocations(profiler: Any) -> list[dict[str, Any]]:
    """Every allocation and release, as the profiler's trace states them: Bytes (negative for a release), Addr, …"""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        trace = json.loads(path.read_text(encoding="utf-8"))
    return [event["args"] for event in trace["traceEvents"] if event["name"] == "[memory]"]
