"""Pretraining on the generic set: one training whose weights are kept at every budget of the cost axis.

    slm, llm    plain transformers on all windows
    slm_mix     one expert, on the windows of its cluster alone
    slm_is      a plain transformer on the windows that importance sampling drew for a domain
    slm_pn      the projected network on all windows, each training its cluster's expert (paper, "Projected network")

Everything of one seed begins with the same draw of weights, and what trains on all windows sees them in the same order:
methods then differ by what they do, not by luck. The trunk learns at a constant rate; shortly before each budget a
branch leaves it, over which the rate falls to zero (train/schedule.py). A budget of 1,000,000 tokens at 16 windows of
128 is 488 steps or 999,424 tokens; with a cooldown of 0.2 the last 98 of them are the branch's.

Out come {output}/checkpoints/b{budget}.safetensors, each with its facts beside it, and {output}/metrics.jsonl: the
trunk's lines, then each branch's, which name their budget.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from speclm.data.windows import Windows
from speclm.model.projected import ProjectedTransformer
from speclm.model.size import ModelSize, ProjectionSize, projection_flops, training_flops_per_token
from speclm.model.transformer import Transformer, initialize
from speclm.model.weights import load_weights, save_weights
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, write_json, write_text
from speclm.stage.streams import torch_seed
from speclm.train.batches import GivenSequence, Indices, Order, ShuffledEpochs, load
from speclm.train.checkpoint import claim
from speclm.train.engine import Session, prepare
from speclm.train.loop import Optimization, Outcome, StepLoss, Validation, train
from speclm.train.memory import enough_memory
from speclm.train.ranks import Ranks, open_ranks
from speclm.train.schedule import Cooldown
from speclm.train.score import mean_nll
from speclm.train.state import State

Clusters = NDArray[np.int32]
COUNTED_STEPS = 10_000  # at once, when a training's evaluations are counted: bounds memory


@dataclass(frozen=True)
class Pretraining:
    """How to pretrain; `*_every` in steps. The held-out curve is made of that split's first `validation_windows`.

    warmup: steps, or below 1 a share of those of the smallest budget. cooldown: share of each budget's steps over which
    the rate falls to zero.
    """

    optimization: Optimization
    warmup: float
    cooldown: float
    save_every: int
    journal_every: int
    validate_every: int
    validation_windows: int
    validation_batch_windows: int


@dataclass(frozen=True)
class Projection:
    """What makes a pretraining a projected network's: its size, and every window's cluster, by split."""

    size: ProjectionSize
    train_clusters: Clusters
    heldout_clusters: Clusters


def uniform_order(windows: Windows, seed: int) -> Order:
    """All windows, shuffled in every epoch: slm, llm and slm_pn."""
    return ShuffledEpochs(np.arange(windows.count), seed, "order", "all")


def expert_order(clusters_N: Clusters, expert: int, batch_windows: int, seed: int) -> Order:
    """The windows of one cluster: an expert of slm_mix.

    Raises:
        UserError: the cluster is empty or does not fill one batch.
    """
    indices = np.flatnonzero(clusters_N == expert)
    if len(indices) < batch_windows:
        raise UserError(
            f"cluster {expert} has {len(indices)} windows, one batch needs {batch_windows}",
            key="experts",
            remedy="use fewer clusters, smaller batches or more generic text",
        )
    return ShuffledEpochs(indices, seed, "order", "expert", expert)


def sampled_order(sequence_N: Indices) -> Order:
    """The windows that importance sampling drew, in the order drawn: slm_is."""
    return GivenSequence(sequence_N)


@enough_memory("micro_batch")
def pretrain(
    method: str,
    part: str,
    size: ModelSize,
    projection: Projection | None,
    generic: Windows,
    heldout: Windows,
    order: Order,
    budgets: Mapping[int, int],
    settings: Pretraining,
    session: Session,
) -> dict[str, Any]:
    """Pretrain one model and keep its weights at every budget.

    Args:
        part: "all", "expert3", or the domain of an slm_is; written to the checkpoints' facts.
        projection: for slm_pn; None trains a plain transformer.
        budgets: {budget: tokens}: the nominal budget names a checkpoint, its tokens are rounded down to whole steps.

    Returns:
        steps, tokens, flops (those of projections as one process evaluates them), and seconds of training up to each
        budget (measured: not for files that must repeat).

    Raises:
        UserError: a budget below one step, and all that `loop.train` raises.
    """
    tokens_per_step = settings.optimization.batch_windows * generic.context
    stretches = _stretches(method, budgets, tokens_per_step, settings.cooldown)
    steps = {budget: stretch.end for budget, stretch in stretches.items()}
    settings = replace(settings, optimization=_warmed(settings, stretches))

    @cache
    def evaluated() -> dict[int, int]:  # when a budget is done: a training without end is not counted through
        return _projection_flops(size, projection, order, settings.optimization, steps)

    def facts(budget: int) -> dict[str, Any]:
        tokens = steps[budget] * tokens_per_step
        return {
            "method": method,
            "part": part,
            "seed": session.seed,
            "budget": budget,
            "tokens": tokens,
            "steps": steps[budget],
            "flops": tokens * training_flops_per_token(size) + evaluated()[budget],
            "model": asdict(size),
            "projection": asdict(projection.size) if projection else None,
        }

    with open_ranks(session.engine, prepare(session.engine)) as ranks:

        def go(folder: Path, end: int, cooldown: Cooldown | None = None) -> Outcome:
            """Train up to step `end` in `folder`, from where that has come to; the trunk leaves branches behind."""
            model, step_loss, measure = _assemble(size, projection, generic, heldout, settings, session.seed, ranks)
            return train(
                model,
                step_loss,
                order,
                replace(settings.optimization, cooldown=cooldown),
                end,
                milestones=() if cooldown else {stretch.first for stretch in stretches.values()},
                on_milestone=leave,
                validation=Validation(measure, settings.validate_every, patience=None),
                journal_every=settings.journal_every,
                save_every=settings.save_every,
                tokens_per_window=generic.context,
                seed=torch_seed(session.seed, "train", method, part),
                session=replace(session, scratch=folder),
                ranks=ranks,
            )

        def leave(step: int, state: State) -> None:
            for budget, stretch in stretches.items():
                if stretch.first == step:
                    state.branch(_branch(session.scratch, budget))

        if ranks.first:
            claim(session.scratch, session.fingerprint)
        seconds = _train_stretches(stretches, session.scratch, ranks, go, facts)
        if ranks.first:
            _publish(steps, session.scratch, session.output)
    last = facts(max(steps, key=lambda budget: steps[budget]))
    return {**{key: last[key] for key in ("steps", "tokens", "flops")}, "seconds": seconds}


def _stretches(method: str, budgets: Mapping[int, int], tokens_per_step: int, cooldown: float) -> dict[int, Cooldown]:
    """By budget, ascending: the step at which its branch leaves the trunk, and the one at which it ends.

    Raises:
        UserError: a budget below one step, or one whose cooldown is.
    """
    stretches = {}
    for budget, tokens in sorted(budgets.items()):
        end = tokens // tokens_per_step
        if end < 1:
            raise UserError(
                f"budget {budget} gives {method} {tokens} tokens, one step takes {tokens_per_step}",
                key="budgets",
                remedy="raise the budget or use smaller batches",
            )
        falling = round(cooldown * end)
        if cooldown and not 0 < falling < end:
            raise UserError(
                f"budget {budget} gives {method} {end} steps, of which a cooldown of {cooldown} takes {falling}",
                key="pretrain.cooldown",
                remedy="raise the budget, use smaller batches, or another share",
            )
        stretches[budget] = Cooldown(end - falling, end)
    return stretches


def _warmed(settings: Pretraining, stretches: Mapping[int, Cooldown]) -> Optimization:
    """With the warm-up in steps.

    Raises:
        UserError: the first branch leaves before the rate has risen.
    """
    first = min(stretches.values(), key=lambda stretch: stretch.end)
    steps = round(settings.warmup * first.end if settings.warmup < 1 else settings.warmup)
    if steps > first.first and first.first < first.end:
        raise UserError(
            f"the smallest budget has {first.end} steps: a warm-up of {steps} and a cooldown of "
            f"{first.end - first.first} do not fit into it",
            key="pretrain.warmup",
            remedy="raise the budget, or lower pretrain.warmup or pretrain.cooldown",
        )
    return replace(settings.optimization, warmup_steps=steps)


def _train_stretches(
    stretches: Mapping[int, Cooldown],
    scratch: Path,
    ranks: Ranks,
    go: Callable[..., Outcome],
    facts: Callable[[int], Mapping[str, Any]],
) -> dict[str, float]:
    """Train the trunk up to the last branch, then each branch, and keep the weights at its end; what is done is kept.

    Returns:
        By budget the seconds of training that it takes: the trunk's up to its branch, and the branch's.
    """
    last = max(stretches, key=lambda budget: stretches[budget].first)
    if not ranks.tell(any(_branch(scratch, last).glob("step*.json"))):
        go(scratch, stretches[last].first)
    seconds: dict[str, float] = {}
    for budget, stretch in stretches.items():
        done = _branch(scratch, budget) / "done.json"
        if not ranks.tell(done.exists()):
            outcome = go(_branch(scratch, budget), stretch.end, stretch)
            if ranks.first:
                save_weights(_checkpoint(scratch, budget), outcome.weights, **facts(budget))
                write_json(done, {"seconds": outcome.seconds})
        if ranks.first:
            seconds[str(budget)] = read_json(done)["seconds"]
    return seconds


def _projection_flops(
    size: ModelSize, projection: Projection | None, order: Order, settings: Optimization, steps: Mapping[int, int]
) -> dict[int, int]:
    """By budget, what evaluating matrices takes: in every forward pass, those of each expert that has windows in it."""
    if projection is None:
        return dict.fromkeys(steps, 0)
    passes, order.position = settings.batch_windows // settings.micro_batch_windows, 0
    evaluated, total, done = {}, 0, 0
    for budget, last in steps.items():
        while done < last:
            count = min(COUNTED_STEPS, last - done)
            windows_N = order.take(count * settings.batch_windows)
            sorted_FB = np.sort(projection.train_clusters[windows_N].reshape(count * passes, -1))
            total += len(sorted_FB) + int((np.diff(sorted_FB) > 0).sum())
            done += count
        evaluated[budget] = total * projection_flops(size, projection.size)
    order.position = 0
    return evaluated


def _publish(budgets: Iterable[int], scratch: Path, output: Path) -> None:
    """Copy what was made, not move it: outputs vanish when the stage fails later, scratch does not."""
    lines = _lines(scratch)
    for budget in budgets:
        state, meta = load_weights(_checkpoint(scratch, budget))
        save_weights(_checkpoint(output, budget), state, **meta)
        lines += [{"budget": budget, **line} for line in _lines(_branch(scratch, budget))]
    write_text(output / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def _assemble(
    size: ModelSize,
    projection: Projection | None,
    generic: Windows,
    heldout: Windows,
    settings: Pretraining,
    seed: int,
    ranks: Ranks,
) -> tuple[Transformer | ProjectedTransformer, StepLoss, Any]:
    """The model with its first weights, its loss on windows of the generic set, and the measure of its curve."""
    device = ranks.device
    generator = torch.Generator().manual_seed(torch_seed(seed, "initialize"))
    shown_N = np.arange(min(settings.validation_windows, heldout.count))
    batch = settings.validation_batch_windows
    if projection is None:
        plain = Transformer(size)
        initialize(plain, generator)
        return (
            plain.to(device),
            StepLoss(
                lambda indices_B: (load(generic, indices_B, device),),
                lambda model, tokens_BL: model.loss(tokens_BL),
            ),
            lambda model: mean_nll(lambda tokens_BL, _: model.nll(tokens_BL), heldout, shown_N, batch, device),
        )

    def clusters(clusters_N: Clusters, indices_B: Indices) -> torch.Tensor:
        return torch.from_numpy(np.asarray(clusters_N[indices_B], dtype=np.int64))  # on the CPU: they are looked at

    def routed(model: ProjectedTransformer) -> Any:
        return lambda tokens_BL, indices_B: model.nll(tokens_BL, clusters(projection.heldout_clusters, indices_B))

    projected = ProjectedTransformer(size, projection.size)
    initialize(projected, generator)
    return (
        projected.to(device),
        StepLoss(
            lambda indices_B: (load(generic, indices_B, device), clusters(projection.train_clusters, indices_B)),
            lambda model, tokens_BL, experts_B: model.loss(tokens_BL, experts_B),
        ),
        lambda model: mean_nll(routed(model), heldout, shown_N, batch, device),
    )


def _branch(scratch: Path, budget: int) -> Path:
    return scratch / f"b{budget}"


def _checkpoint(folder: Path, budget: int) -> Path:
    return folder / "checkpoints" / f"b{budget}.safetensors"
