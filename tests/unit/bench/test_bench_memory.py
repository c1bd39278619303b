"""The memory counter against tensors of known size."""

import pytest
import torch

from speclm.bench.bench import Bench
from speclm.bench.memory import overhead, step_memory, watch

MB = 2**20


def floats(megabytes: int) -> torch.Tensor:
    return torch.empty(megabytes * MB // 4)


def test_the_peak_is_the_most_that_stood_at_once() -> None:
    before = floats(50)
    with watch("cpu") as memory:
        first, second = floats(4), floats(8)
        del first, before  # what stood before does not count, nor its release
        third = floats(2)
        del second, third
        floats(11)
    assert memory.peak == 12 * MB
    assert memory.saved == 0


def test_what_autograd_keeps_counts_once_and_parameters_do_not() -> None:
    weight = torch.nn.Parameter(torch.ones(MB // 4))
    with watch("cpu") as memory:
        x = weight * 2.0  # keeps nothing: the factor is a number
        y = x.sin()  # keeps x
        z = x * weight  # keeps x again, and the parameter
        (y.sum() + z.sum()).backward()
    assert memory.saved == MB


def test_what_a_function_of_ones_own_keeps_counts() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(floats(3))
            return 2 * x

        @staticmethod
        def backward(ctx, grad):  # type: ignore[no-untyped-def]
            [_] = ctx.saved_tensors
            return 2 * grad

    x = torch.ones(4, requires_grad=True)
    with watch("cpu") as memory:
        Twice.apply(x).sum().backward()  # type: ignore[no-untyped-call]
    assert memory.saved == 3 * MB
    assert memory.peak >= 3 * MB


def test_a_step_stands_between_its_state_and_the_state_with_everything(bench: Bench) -> None:
    training = bench.training("llm")
    memory = step_memory(training)
    state = 16 * training.parameters
    assert memory.saved > 4 * training.tokens_per_step * training.size.width  # at least the hidden states
    assert 0.75 * state < memory.peak
    assert overhead(training, memory) == pytest.approx(memory.peak / (state + memory.saved))
