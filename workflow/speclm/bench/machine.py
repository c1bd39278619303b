"""What the benchmark's numbers were measured on: {"processor": "Xeon …", "cores": 2, "torch": "2.13.0", …}."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import torch

from speclm.bench.bench import Bench
from speclm.stage.summary import commit, processor


def describe_machine(bench: Bench) -> dict[str, Any]:
    """Processor, cores, versions, commit, date and settings of this run."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **commit(),
        "seed": bench.config["seeds"][0],
        "rounds": bench.rounds,
        "seconds_per_turn": bench.seconds,
        "text_bytes": bench.text_bytes,
        "engine": asdict(bench.training("slm").engine),
        "environment": bench.environment,
    }
