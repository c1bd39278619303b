"""The relative cost of every method at a configuration's own shapes: what `pretrain.relative_cost` should be there.

A configuration goes in; out comes the mapping to paste into it, with the machine's name. Contestants train by turns, as
the study trains: the method's own network, batch and rate, on made-up text, one expert of a mixture for all. Relative
cost is device time of a token over the SLM's, round by round, so that what slows the whole machine cancels out.

    python -m speclm.bench relative_cost --configfile config/gpu.yaml
    # Device time of a token against the SLM's on Intel Xeon, 1 thread, 12 rounds, 2026-11-28 (95 %: llm 3.6 to 3.8, …)
    relative_cost: {slm: 1.0, llm: 3.73, slm_mix: 1.02, slm_pn: 1.16, slm_is: 1.0}
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import yaml

from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, contest
from speclm.bench.estimate import Estimate, ratio
from speclm.bench.gpu import train_synchronized
from speclm.bench.training import train_ours
from speclm.stage.recipes import laid_over
from speclm.stage.summary import processor

METHODS = ("slm", "llm", "slm_mix", "slm_pn", "slm_is")


def main(arguments: list[str], repository: Path, rounds: int, seconds: float) -> str:
    """Measure at the shapes of a configuration; returns the lines to paste."""
    parser = argparse.ArgumentParser(prog="python -m speclm.bench relative_cost")
    parser.add_argument("--configfile", type=Path, help="laid over config/config.yaml, as Snakemake does")
    parser.add_argument("--rounds", type=int, default=rounds)
    chosen = parser.parse_args(arguments)
    config = yaml.safe_load((repository / "config/config.yaml").read_text(encoding="utf-8"))
    if chosen.configfile:
        config = laid_over(config, yaml.safe_load(chosen.configfile.read_text(encoding="utf-8")))
    with TemporaryDirectory() as folder:
        bench = Bench(config, repository, Path(folder), chosen.rounds, seconds, 0)
        return to_paste(relative_costs(bench), bench)


def relative_costs(bench: Bench) -> dict[str, Estimate]:
    """Seconds of a token over the SLM's, by method."""
    trainings = {method: bench.training(method) for method in METHODS}
    train = train_synchronized if trainings["slm"].engine.device == "cuda" else train_ours
    contestants = [
        Contestant(name, partial(train, training), bench.environment) for name, training in trainings.items()
    ]
    turns = contest(contestants, bench.rounds, bench.seconds)
    each = {name: [turn.seconds / trainings[name].tokens_per_step for turn in turns[name]] for name in trainings}
    return {name: ratio(each[name], each["slm"]) for name in trainings}


def to_paste(costs: Mapping[str, Estimate], bench: Bench) -> str:
    """The setting in YAML, after a comment that says where and when it was measured."""
    engine = bench.training("slm").engine
    device = torch.cuda.get_device_name() if engine.device == "cuda" else f"{processor()}, {engine.threads} thread(s)"
    spread = ", ".join(f"{name} {cost.low:.2f} to {cost.high:.2f}" for name, cost in costs.items() if name != "slm")
    values = ", ".join(f"{name}: {1.0 if name == 'slm' else round(cost.value, 2)}" for name, cost in costs.items())
    return (
        f"# Device time of a token against the SLM's on {device}, {bench.rounds} rounds by turns, "
        f"{datetime.now(UTC).date()} (95 %: {spread})\nrelative_cost: {{{values}}}"
    )
