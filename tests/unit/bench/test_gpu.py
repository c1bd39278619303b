"""What can be known of the GPU's rows without one: peaks, the counted model, rows that are not measured."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from speclm.bench.bench import Bench
from speclm.bench.gpu import PAPER_HOURS, PROJECTION, on_gpu, peak_flops, trainings_of
from speclm.model.size import PAPER_LLM, PAPER_SLM, parameter_count, projected_parameter_count, training_flops_per_token

ROOT = Path(__file__).parents[3]


def test_the_models_are_the_papers() -> None:
    assert parameter_count(PAPER_SLM) == pytest.approx(126e6, rel=0.04)  # size.py says what is left over
    assert parameter_count(PAPER_LLM) == pytest.approx(771e6, rel=0.02)
    assert projected_parameter_count(PAPER_SLM, PROJECTION) == pytest.approx(1422e6, rel=0.001)
    paper = pd.read_csv(ROOT / "config/reference/paper/table_2_throughput.csv", index_col="model")
    assert paper["generic_training"][list(PAPER_HOURS)].to_dict() == PAPER_HOURS


@pytest.mark.parametrize(
    ("device", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H100 NVL", 835e12),
        ("NVIDIA H200", 989e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA GeForce RTX 3060", None),
    ],
)
def test_a_device_has_its_peak(device: str, peak: float | None) -> None:
    assert peak_flops(device) == peak


def test_half_of_an_h100_is_what_the_docstring_says() -> None:
    assert 643_000 * training_flops_per_token(PAPER_SLM) == pytest.approx(0.5 * 989e12, rel=0.001)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_without_a_gpu_every_row_stays_and_is_not_measured(bench: Bench) -> None:
    figures = on_gpu(bench)
    assert len(figures) == 8
    assert set(figures.values()) == {None}


def test_the_trainings_are_bfloat16_and_compiled_at_context_1024(bench: Bench) -> None:
    trainings = trainings_of(bench)
    assert set(trainings) == set(PAPER_HOURS)
    for training in trainings.values():
        assert training.engine.precision == "bfloat16"
        assert training.engine.compile
        assert training.tokens_per_step == 16 * 1024
    assert trainings["SLM-pn"].projection == PROJECTION
