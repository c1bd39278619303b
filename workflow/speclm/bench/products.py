"""The matrix products of one training step, and nothing else: the machine's own rate at the model's own shapes.

Counted are, of every linear layer and of the output matrix, the product forward, the gradient to the input and the
gradient to the weights; of attention the scores and the mix of values, forward and the two gradients of each. Causal
attention needs half of each such product: here half of the (window, head) pairs are multiplied whole. The sum of their
FLOPs is `size.training_flops_per_token` times the tokens of a step. Rows of the output matrix come in the chunks that
the loss takes. Each product is repeated as often as there are layers, writes into a tensor that stands ready, and finds
its factors where the repetition before left them: a rate that a real step, which reads each tensor once, cannot beat.

    N = 1,024 rows, D = 48, I = 192, forward of `up`: (1024, 48) @ (48, 192): 2 * 1024 * 48 * 192 = 18.9 MFLOP

Shapes: N rows, B windows, H heads, T context, D width, I inner width, V vocabulary, d = D / H.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from speclm.bench.training import BeforeStep, Training
from speclm.model.chunks import row_chunks
from speclm.model.size import ModelSize
from speclm.train.engine import prepare

SQUARE = 2048


@dataclass(frozen=True)
class Product:
    """left @ right, done `repeats` times in a step; either may be a transposed view, as in the step."""

    left: Tensor
    right: Tensor
    repeats: int

    @property
    def flops(self) -> int:
        """Of all repeats."""
        return 2 * self.left.numel() * self.right.shape[-1] * self.repeats


def step_products(size: ModelSize, windows: int, device: torch.device) -> list[Product]:
    """The products of one step on so many windows (an even number of windows times heads)."""
    rows = windows * size.context
    layers = {"qkv": (size.width, 3 * size.width), "output": (size.width, size.width)}
    layers |= {"up": (size.width, size.inner), "down": (size.inner, size.width)}
    products = [
        product
        for width_in, width_out in layers.values()
        for product in _linear(rows, width_in, width_out, size.layers, device)
    ]
    chunks = row_chunks(slice(0, rows), size.vocabulary, device)
    for count in {chunk.stop - chunk.start for chunk in chunks}:
        repeats = sum(chunk.stop - chunk.start == count for chunk in chunks)
        products += _linear(count, size.width, size.vocabulary, repeats, device)
    pairs, head_width = windows * size.heads // 2, size.width // size.heads
    tall = torch.rand(pairs, size.context, head_width, device=device)
    square = torch.rand(pairs, size.context, size.context, device=device)
    products += [Product(tall, tall.mT, 2 * size.layers)]  # scores; gradient of the probabilities
    products += [Product(square, tall, 2 * size.layers)]  # mixed values; gradient of the queries
    products += [Product(square.mT, tall, 2 * size.layers)]  # gradients of the keys and of the values
    return products


def multiply_step(training: Training, before_step: BeforeStep) -> None:
    """Do the products of one step, again and again."""
    device = prepare(training.engine)
    _repeat(step_products(training.size, training.settings.optimization.batch_windows, device), before_step)


def multiply_squares(training: Training, before_step: BeforeStep) -> None:
    """One product of two large square matrices per step."""
    square = torch.rand(SQUARE, SQUARE, device=prepare(training.engine))
    _repeat([Product(square, square, 1)], before_step)


def _repeat(products: list[Product], before_step: BeforeStep) -> None:
    results = [(product.left @ product.right) for product in products]
    while True:
        before_step()
        for product, result in zip(products, results, strict=True):
            for _ in range(product.repeats):
                torch.matmul(product.left, product.right, out=result)


def _linear(rows: int, width_in: int, width_out: int, repeats: int, device: torch.device) -> Iterator[Product]:
    x_NI = torch.rand(rows, width_in, device=device)
    weight_OI = torch.rand(width_out, width_in, device=device)
    gradient_NO = torch.rand(rows, width_out, device=device)
    yield Product(x_NI, weight_OI.T, repeats)
    yield Product(gradient_NO, weight_OI, repeats)
    yield Product(gradient_NO.T, x_NI, repeats)
