"""The configuration's words as the train room's settings: one function for pretraining, one for each part of a
specialisation.

The configuration groups keys as its readers think of them ("pretrain", "specialize"); the train room as its functions
need them.

    sizes [2500, 20000], max_steps [30, 60], evaluate_every [10, 20]: 2,500 tokens for 30 steps, a look every 10; …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speclm.data.windows import Windows, nearest_size, open_windows
from speclm.model.size import LowRank, ModelSize
from speclm.stage.files import read_array, read_json
from speclm.stage.job import Job
from speclm.stage.listing import read_list
from speclm.train.control import Control
from speclm.train.distill import Teachers
from speclm.train.finetune import DomainSize, Finetuning
from speclm.train.loop import Optimization
from speclm.train.pretrain import Pretraining
from speclm.train.specialize import Domain, Run, Task

Section = Mapping[str, Any]
JOURNAL_STEPS = 10  # between two lines of metrics.jsonl


def pretraining(section: Section, evaluate_batch: int) -> Pretraining:
    """Settings of a pretraining from the section "pretrain"."""
    return Pretraining(
        optimization=_optimization(section, section["learning_rate"], section, warmup_steps=0),
        warmup=section["warmup"],
        cooldown=section["cooldown"],
        save_every=section["save_every"],
        journal_every=JOURNAL_STEPS,
        validate_every=section["evaluate_every"],
        validation_windows=section["evaluate_windows"],
        validation_batch_windows=evaluate_batch,
    )


def finetuning(section: Section, optimizer: Section, rate: float, evaluate_batch: int) -> Finetuning:
    """Settings of all fine-tunings from the section "specialize"; the smallest size learns at a lower rate.

    Args:
        section: with max_steps of what is fine-tuned, one number for each size.
        optimizer: betas, weight_decay and clip, which pretraining and fine-tuning share.
    """
    sizes = zip(section["sizes"], section["max_steps"], section["evaluate_every"], strict=True)
    smallest = min(section["sizes"])
    return Finetuning(
        optimization=_optimization(section, rate, optimizer, section["warmup_steps"]),
        sizes=tuple(
            DomainSize(tokens, section["smallest_rate_divisor"] if tokens == smallest else 1.0, steps, every)
            for tokens, steps, every in sizes
        ),
        lora=LowRank(**section["lora"]) if section["lora"] else None,
        patience=section["patience"],
        validation_windows=section["valid_windows"],
        validation_batch_windows=evaluate_batch,
        search_windows=section["selection_windows"],
        save_every=section["save_every"],
        journal_every=JOURNAL_STEPS,
    )


def specialization(job: Job, teachers: Teachers | None) -> tuple[Task, list[Run]]:
    """What a job of the rules specialize_model and distill_model makes, from its settings and inputs."""
    chosen, inputs = job.settings, job.inputs
    train = open_windows(inputs["train"])
    section: Section = {**chosen["specialize"], "max_steps": chosen["max_steps"]}
    if chosen.get("all_text"):
        section = on_all_text(section, train)
    task = Task(
        method=job.wildcards["method"],
        domain=Domain(
            name=job.wildcards["domain"],
            train=train,
            valid=open_windows(inputs["valid"]),
            train_clusters=read_array(inputs["clusters"]) if "clusters" in inputs else None,
        ),
        size=ModelSize(chosen["vocabulary"], chosen["context"], **chosen["shape"]),
        starts=starts(inputs.get("checkpoints", []), chosen["budgets"]),
        teachers=teachers,
        control=control(inputs) if section["text"] == "generic" else None,
        settings=finetuning(section, chosen["optimizer"], chosen["rate"], chosen["evaluate_batch"]),
    )
    return task, wanted_runs(section, chosen["budgets"], chosen["selections"], before=chosen["before"])


def control(inputs: Mapping[str, Any]) -> Control:
    """Generic text for as many steps as the fine-tuning took to its best whose runs.json is given."""
    steps = {(run["size"], run["budget"]): run["best_step"] for run in read_json(inputs["finetuned"])}
    return Control(open_windows(read_list(inputs["generic"]), scattered=True), steps)


def on_all_text(section: Section, train: Windows) -> Section:
    """The section "specialize" with one size, all whole windows of the training text, learned as the nearest of its
    sizes is (by ratio), with more steps in proportion where there are more tokens.
    """
    tokens = train.count * train.context
    place = nearest_size(tokens, section["sizes"])
    more = max(1.0, tokens / section["sizes"][place])
    return {
        **section,
        "sizes": [tokens],
        "max_steps": [round(more * section["max_steps"][place])],
        "evaluate_every": [section["evaluate_every"][place]],
        "smallest_rate_divisor": section["smallest_rate_divisor"] if place == 0 else 1.0,
    }


def starts(folders: Sequence[Path], budgets: Sequence[int]) -> dict[int, list[Path]]:
    """The checkpoints that a specialisation starts from, by budget and in the order of experts; none at budget 0.

    Args:
        folders: of checkpoints: one, or one for each expert; none for a model without pretraining.
    """
    return {budget: [folder / f"b{budget}.safetensors" for folder in folders] for budget in budgets or [0]}


def wanted_runs(section: Section, budgets: Sequence[int], selections: Sequence[str], *, before: bool) -> list[Run]:
    """Every model that a method serves on a domain.

    The default way of choosing the expert at every size and budget, the others at the largest budget alone, and of
    those `best_finetuned` only at the sizes that the section names; with `before` also the default before fine-tuning
    (size 0).
    """
    runs = []
    for budget in budgets or [0]:
        if before:
            runs.append(Run(selections[0], 0, budget))
        for size in section["sizes"]:
            for selection in selections:
                compared = budget == max(budgets, default=0)
                affordable = selection != "best_finetuned" or size in section["best_finetuned_sizes"]
                if selection == selections[0] or (compared and affordable):
                    runs.append(Run(selection, size, budget))
    return runs


def _optimization(section: Section, rate: float, optimizer: Section, warmup_steps: int) -> Optimization:
    beta1, beta2 = optimizer["betas"]
    return Optimization(
        learning_rate=rate,
        beta1=beta1,
        beta2=beta2,
        weight_decay=optimizer["weight_decay"],
        clip=optimizer["clip"],
        warmup_steps=warmup_steps,
        batch_windows=section["batch"],
        micro_batch_windows=section["micro_batch"],
    )
