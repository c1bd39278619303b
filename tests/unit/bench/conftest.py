"""A tiny bench: the laptop's configuration with the smallest models, and a Training on it."""

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
    return Bench(config, ROOT, tmp_path, rounds=3, seconds=0.02)
