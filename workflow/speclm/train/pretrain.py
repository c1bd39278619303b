"""Pretraining on the generic set: one training whose weights are kept at every budget of the cost axis.

    slm, llm    plain transformers on all windows
    slm_mix     one expert, on the windows of its cluster alone
    slm_is      a plain transformer on the windows that importance sampling drew for a domain
    slm_pn      the projected network on all windows, each training its cluster's expert (paper, "Projected network")

Everything of one seed begins with the same draw of weights, and what trains on all windows sees them in the same order:
methods then differ by what they do, not by luck. A budget of 1,000,000 tokens at 16 windows of 128 is 488 steps or
999,424 tokens.

Out come {output}/checkpoints/b{budget}.safetensors, each with its facts beside it, and {output}/metrics.jsonl.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
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
from speclm.stage.files import write_text
from speclm.stage.streams import torch_seed
from speclm.train.batches import GivenSequence, Indices, Order, ShuffledEpochs, load
from speclm.train.checkpoint import Tensors
from speclm.train.engine import Session, prepare
from speclm.train.loop import Optimization, StepLoss, Validation, train
from speclm.train.memory import enough_memory
from speclm.train.ranks import open_ranks
from speclm.train.score import mean_nll

Clusters = NDArray[np.int32]
COUNTED_STEPS = 10_000  # at once, when a training's evaluations are counted: bounds memory


@dataclass(frozen=True)
class Pretraining:
    """How to pretrain; `*_every` in steps. The held-out curve is made of that split's first `validation_windows`."""

    optimization: Optimization
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
    scratch, seed = session.scratch, session.seed
    tokens_per_step = settings.optimization.batch_windows * generic.context
    steps = {budget: tokens // tokens_per_step for budget, tokens in sorted(budgets.items())}
    for budget, count in steps.items():
        if count < 1:
            raise UserError(
                f"budget {budget} gives {method} {budgets[budget]} tokens, one step takes {tokens_per_step}",
                key="budgets",
                remedy="raise the budget or use smaller batches",
            )

    evaluated = _projection_flops(size, projection, order, settings.optimization, steps)

    def facts(budget: int) -> dict[str, Any]:
        tokens = steps[budget] * tokens_per_step
        return {
            "method": method,
            "part": part,
            "seed": seed,
            "budget": budget,
            "tokens": tokens,
            "steps": steps[budget],
            "flops": tokens * training_flops_per_token(size) + evaluated[budget],
            "model": asdict(size),
            "projection": asdict(projection.size) if projection else None,
        }

    def keep(step: int, weights: Tensors) -> None:
        for budget in (budget for budget, count in steps.items() if count == step):
            save_weights(_checkpoint(scratch, budget), weights, **facts(budget))

    with open_ranks(session.engine, prepare(session.engine)) as ranks:
        model, step_loss, measure = _assemble(size, projection, generic, heldout, settings, seed, ranks.device)
        outcome = train(
            model,
            step_loss,
            order,
            settings.optimization,
            max(steps.values()),
            milestones=set(steps.values()),
            on_milestone=keep,
            validation=Validation(measure, settings.validate_every, patience=None),
            journal_every=settings.journal_every,
            save_every=settings.save_every,
            tokens_per_window=generic.context,
            seed=torch_seed(seed, "train", method, part),
            session=session,
            ranks=ranks,
        )
        if ranks.first:
            _publish(steps, scratch, session.output)
    last = facts(max(steps, key=lambda budget: steps[budget]))
    return {
        **{key: last[key] for key in ("steps", "tokens", "flops")},
        "seconds": {str(budget): outcome.milestone_seconds[count] for budget, count in steps.items()},
    }


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
    for budget in budgets:
        state, meta = load_weights(_checkpoint(scratch, budget))
        save_weights(_checkpoint(output, budget), state, **meta)
    write_text(output / "metrics.jsonl", (scratch / "metrics.jsonl").read_text(encoding="utf-8"))


def _assemble(
    size: ModelSize,
    projection: Projection | None,
    generic: Windows,
    heldout: Windows,
    settings: Pretraining,
    seed: int,
    device: torch.device,
) -> tuple[Transformer | ProjectedTransformer, StepLoss, Any]:
    """The model with its first weights, its loss on windows of the generic set, and the measure of its curve."""
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


def _checkpoint(folder: Path, budget: int) -> Path:
    return folder / "checkpoints" / f"b{budget}.safetensors"
