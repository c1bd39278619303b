"""How fast this machine is, in the first seconds of a run: training steps at the configuration's own shapes, and text.

A configuration goes in (a JSON file, removed when it is read), tokens per second of each network's training come out
(another), and how fast a core reads, against the reference. Time is that of the processor: jobs that run meanwhile
change little.

    python -m speclm.bench.probe config.json speed.json 60        and no longer than 60 seconds
    {"tokens_per_second": {"slm": 71000, "slm_pn": 62000, "llm": 20000}, "core": 1.1, "machine": "AMD EPYC", …}
"""

from __future__ import annotations

import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from speclm.bench.training import Training, train_ours, training_of, write_windows
from speclm.stage.files import read_json, write_json
from speclm.stage.summary import processor

NETWORKS = ("slm", "slm_pn", "llm")
SECONDS = 0.5  # for each network, after two steps to warm up
WARM_UP = 2
WINDOWS = 512
CORE_ROUNDS = 1850.0  # a second, of the reference: the AMD EPYC of the published run
TEXT = "The quick brown fox of line 12 jumps over 3 lazy dogs, and returns: x = f(y) + 0.5. " * 200


class EnoughError(Exception):
    """Ends a training that is measured."""


def measure(config: Mapping[str, Any], clock: Callable[[], float]) -> dict[str, Any]:
    """What this machine does.

    Args:
        clock: seconds of one thread's work.
    """
    with TemporaryDirectory() as folder:
        store = Path(folder) / "windows.bin"
        write_windows(store, config["tokenizer"]["vocabulary"], config["context"], WINDOWS, 0)
        trained = [network for network in NETWORKS if network in config["methods"]] or ["slm"]
        rates = {network: tokens_per_second(_alone(training_of(config, network, store)), clock) for network in trained}
    return {"tokens_per_second": rates, "core": rounds_per_second(clock) / CORE_ROUNDS, "machine": processor()}


def tokens_per_second(training: Training, clock: Callable[[], float]) -> float:
    """Of a network's training."""
    started, steps = 0.0, -WARM_UP

    def count() -> None:
        nonlocal started, steps
        if steps == 0:
            started = clock()
        elif steps > 0 and clock() - started > SECONDS:
            raise EnoughError
        steps += 1

    with suppress(EnoughError):
        train_ours(training, count)
    return steps * training.tokens_per_step / (clock() - started)


def rounds_per_second(clock: Callable[[], float]) -> float:
    """Of counting the words of a text: what data stages do, outside of libraries."""
    started, rounds = clock(), 0
    while clock() - started < SECONDS / 2:
        Counter(re.findall(r"\w+", TEXT))
        rounds += 1
    return rounds / (clock() - started)


def _alone(training: Training) -> Training:
    """As one process computes it, without half a minute of compiling."""
    return replace(training, engine=replace(training.engine, processes=1, shard=False, compile=False))


def _clock(config: Mapping[str, Any]) -> Callable[[], float]:
    engine = config["engine"]
    if engine["device"] == "cuda":
        return time.monotonic
    return lambda: time.process_time() / engine["threads"]


def main(given: Path, made: Path, limit: float) -> None:
    """Measure and write what was found."""
    signal.setitimer(signal.ITIMER_REAL, limit)  # whose signal ends the process
    config = read_json(given)
    given.unlink()
    write_json(made, {**measure(config, _clock(config)), "of": config["of"]})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
