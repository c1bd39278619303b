"""The products of a step: their FLOPs are those that the size counts, their shapes those of the step."""

import pytest
import torch

from speclm.bench.products import step_products
from speclm.model.size import ModelSize, training_flops_per_token

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("size", "windows"),
    [
        (ModelSize(vocabulary=2048, context=128, layers=4, width=48, heads=2, inner=192), 8),
        (ModelSize(vocabulary=30_000, context=32, layers=3, width=12, heads=3, inner=40), 10),  # chunks do not divide
    ],
)
def test_flops_are_those_of_the_size(size: ModelSize, windows: int) -> None:
    counted = sum(product.flops for product in step_products(size, windows, CPU))
    assert counted == training_flops_per_token(size) * windows * size.context


def test_every_gradient_has_its_product() -> None:
    size = ModelSize(vocabulary=64, context=16, layers=2, width=8, heads=2, inner=24)
    shapes = {
        (*product.left.shape[:-1], product.left.shape[-1], product.right.shape[-1]): product.repeats
        for product in step_products(size, 4, CPU)
    }
    rows = 4 * 16
    assert shapes[rows, 8, 24] == 2  # up, forward; so is, for one layer each, `down`'s gradient to its input
    assert shapes[rows, 24, 8] == 2
    assert shapes[24, rows, 8] == 2  # up's weights
    assert shapes[8, rows, 24] == 2  # down's weights
    assert shapes[64, rows, 8] == 1  # the output matrix
    assert shapes[4, 16, 4, 16] == 4  # scores of half of 4 windows x 2 heads, forward and gradient, 2 layers
