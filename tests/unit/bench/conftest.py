"""Tiny benches: the laptop's configuration with the smallest models, and with little text."""

from pathlib import Path

import pytest
import yaml

from speclm.bench.bench import Bench

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["tokenizer"]["vocabulary"], config["context"] = 64, 16
    config["models"]["slm"] = {"layers": 2, "width": 16, "heads": 2, "inner": 32}
    config["models"]["llm"] = {"layers": 2, "width": 32, "heads": 4, "inner": 64}
    return Bench(config, ROOT, tmp_path, rounds=3, seconds=0.02, text_bytes=0)


@pytest.fixture(scope="session")
def data_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["tokenizer"]["vocabulary"], config["context"] = 400, 32
    config["embedder"] |= {"dimensions": 8, "words": 300, "fit_passages": 500}
    config["clusters"] |= {"fit_passages": 500, "iterations": 10}
    config["models"]["slm_is"]["clusters"] = 8
    folder = tmp_path_factory.mktemp("bench")
    return Bench(config, ROOT, folder, rounds=1, seconds=0.02, text_bytes=200_000)
