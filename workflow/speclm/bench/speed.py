"""How fast our training steps are: beside nanoGPT's style, HF Trainer, the machine's matrix products and each other.

Contests go in, figures come out. A ratio of speeds is a ratio of seconds per step turned over: all contestants of one
contest see as many tokens in a step.

    SLM 12 ms, nanoGPT-style 20 ms per step of 1,024 tokens: 85,333 and 51,200 tokens/s, ratio 1.67

Peers run as their users run them. Beside that stands the ratio with the allocator's setting that the workflow exports
given to the peer as well.
"""

from __future__ import annotations

from functools import partial

from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, Turn, contest
from speclm.bench.estimate import Estimate, estimate, ratio
from speclm.bench.huggingface import train_huggingface
from speclm.bench.nanogpt import train_nanogpt
from speclm.bench.products import SQUARE, multiply_squares, multiply_step
from speclm.bench.table import Figures
from speclm.bench.training import Training, train_ours
from speclm.model.size import training_flops_per_token

PEERS = {"nanoGPT-style": train_nanogpt, "HF Trainer": train_huggingface}
METHODS = {"slm": "SLM", "llm": "LLM", "slm_pn": "SLM-pn"}
PROCESSES = 3


def against_peers(bench: Bench, method: str, threads: int) -> Figures:
    """Tokens/s of our step over the peers', and the memory of the processes.

    Peers have plain transformers: beside a projected network they train one of its experts' size on the same batches.
    """
    name, training = METHODS[method], bench.training(method).with_threads(threads)
    contestants = [Contestant("ours", partial(train_ours, training), bench.environment)]
    for peer, train in PEERS.items():
        contestants.append(Contestant(peer, partial(train, training)))
        contestants.append(Contestant(f"{peer}, our allocator", partial(train, training), bench.environment))
    turns = contest(contestants, bench.rounds, bench.seconds, PROCESSES)
    seconds, suffix = _seconds(turns), f"{threads} thread" + "s" * (threads > 1)
    resident = {who: [turn.resident for turn in of] for who, of in turns.items()}
    rivals = [*PEERS, *(f"{peer}, our allocator" for peer in PEERS)]
    return {
        **{f"{name} tokens/s over {rival}, {suffix}": ratio(seconds[rival], seconds["ours"]) for rival in rivals},
        **{f"tokens/s, {who} ({name}), {suffix}": _tokens_per_second(training, turns[who]) for who in ("ours", *PEERS)},
        **{
            f"resident memory of ours over {peer} ({name}), {suffix}": ratio(resident["ours"], resident[peer])
            for peer in PEERS
        },
    }


def against_products(bench: Bench) -> Figures:
    """FLOP/s of our steps over the machine's rate at their matrix products, and the rates themselves (GFLOP/s).

    A projected network's projections count as time, not as products.
    """
    trainings = {name: bench.training(method) for method, name in METHODS.items()}
    contestants = [Contestant("square", partial(multiply_squares, trainings["SLM"]))]
    for name, training in trainings.items():
        contestants.append(Contestant(name, partial(train_ours, training), bench.environment))
        contestants.append(Contestant(f"{name} products", partial(multiply_step, training)))
    turns = contest(contestants, bench.rounds, bench.seconds)
    seconds, figures = _seconds(turns), {}
    for name in trainings:
        figures[f"{name} step: share of sgemm rate"] = ratio(seconds[f"{name} products"], seconds[name])
    for name, training in trainings.items():
        flops = training.tokens_per_step * training_flops_per_token(training.size)
        figures[f"{name} step, GFLOP/s"] = _rate(flops, seconds[name])
        figures[f"{name} sgemm, GFLOP/s"] = _rate(flops, seconds[f"{name} products"])
        figures[f"tokens/s, {name}"] = _tokens_per_second(training, turns[name])
    figures[f"sgemm of {SQUARE} x {SQUARE}, GFLOP/s"] = _rate(2 * SQUARE**3, seconds["square"])
    return figures


def projected_network(bench: Bench) -> Figures:
    """Seconds per step of the projected network over the SLM's, windows spread evenly over the experts."""
    slm = bench.training("slm")
    projection = bench.config["models"]["slm_pn"]
    shapes = {
        f"SLM-pn step over SLM step, k = {experts}, {named}": slm.projected(experts, components, rank)
        for experts in (8, 32)
        for named, components, rank in (
            (f"h = {projection['components']}, m = {projection['rank']}", projection["components"], projection["rank"]),
            ("h = m = k", experts, experts),
        )
    }
    contestants = [
        Contestant(name, partial(train_ours, training), bench.environment)
        for name, training in {"SLM": slm, **shapes}.items()
    ]
    seconds = _seconds(contest(contestants, bench.rounds, bench.seconds))
    return {name: ratio(seconds[name], seconds["SLM"]) for name in shapes}


def _seconds(turns: dict[str, list[Turn]]) -> dict[str, list[float]]:
    return {name: [turn.seconds for turn in of] for name, of in turns.items()}


def _tokens_per_second(training: Training, turns: list[Turn]) -> Estimate:
    return estimate([training.tokens_per_step / turn.seconds for turn in turns])


def _rate(flops: int, seconds: list[float]) -> Estimate:
    return estimate([flops / each / 1e9 for each in seconds])
