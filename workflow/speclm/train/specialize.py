"""Specialising one method to one domain: every size of domain text, every budget, every way of choosing the expert.

From a pretraining's checkpoints come served models, ordinary transformers all of them:

    models/{selection}.n{size}.b{budget}.safetensors + .json      size 0: the chosen model before fine-tuning
    runs.json        one record per model, as in the .json beside it
    metrics.jsonl    every fine-tuning's journal

The three ways of choosing among the experts of slm_mix and slm_pn (paper, "Choosing the expert"):
    most_frequent    the cluster that most of the domain's training windows lie in
    best_pretrained  the expert with the lowest loss on the domain's training windows before fine-tuning
    best_finetuned   all are fine-tuned, the lowest validation loss stays: k times the cost
The training windows are those of the size at hand, for the model before fine-tuning those of the smallest.
An expert that two ways choose is fine-tuned once. Finished fine-tunings are kept in scratch: a killed stage goes on
with the next.

FLOPs of a run: flops_student (its training: model/size.py), flops_teacher_forward and flops_teacher_training (slm_d),
flops_search (what choosing the expert took), and flops, their sum. Looks at validation are not counted.
capped is 1 where the steps allowed ended a fine-tuning, 0 where early stopping did. trained_parameters are those that
fine-tuning changes: all, or the adapters of low-rank adaptation. teacher_budget is that of the teacher's pretraining, 0
where none teaches. expert_spread: nats by which an expert is on average worse than the best before fine-tuning; null
but for best_pretrained.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from speclm.data.windows import Windows
from speclm.model.size import (
    ModelSize,
    adapter_parameter_count,
    forward_flops_per_token,
    parameter_count,
    training_flops_per_token,
)
from speclm.model.transformer import Transformer
from speclm.model.weights import load_weights, save_weights
from speclm.stage.files import read_json, write_json, write_text
from speclm.train.checkpoint import Tensors, claim
from speclm.train.control import Control, continue_pretraining
from speclm.train.distill import Lesson, Teachers
from speclm.train.engine import Session, prepare
from speclm.train.experts import Expert, most_frequent, open_experts
from speclm.train.finetune import Finetuning, finetune, label_loss, validation_loss, windows_loss
from speclm.train.loop import Outcome
from speclm.train.memory import enough_memory


@dataclass(frozen=True)
class Run:
    """One served model: how its expert is chosen ("none" where there is but one), domain tokens, pretraining budget."""

    selection: str
    size: int
    budget: int


@dataclass(frozen=True)
class Domain:
    """A domain's text, and the cluster of each of its training windows (None where no expert is chosen by it)."""

    name: str
    train: Windows
    valid: Windows
    train_clusters: NDArray[np.int32] | None


@dataclass(frozen=True)
class Task:
    """What is specialised to what.

    Attributes:
        size: of the served model.
        starts: {budget: checkpoints}: one, the experts of slm_mix in their order, none for slm_nopt (budget 0).
        teachers: for slm_d alone. control: goes on with generic text in place of fine-tuning.
    """

    method: str
    domain: Domain
    size: ModelSize
    starts: Mapping[int, Sequence[Path]]
    teachers: Teachers | None
    settings: Finetuning
    control: Control | None = None


@enough_memory("micro_batch")
def specialize(
    task: Task,
    runs: Sequence[Run],
    session: Session,
) -> dict[str, Any]:
    """Make every model of `runs`.

    Returns:
        runs (how many), finetunings (how many, experts that lost included), steps, flops, and seconds of training
        by run (measured: not for files that must repeat).

    Raises:
        UserError: a size longer than the domain's text, a missing checkpoint or teacher, and all of `loop.train`.
    """
    device, output = prepare(session.engine), session.output
    claim(session.scratch, session.fingerprint)
    bench = _Bench(task, session, device)
    records, seconds = [], {}
    for run in sorted(runs, key=lambda run: (run.budget, run.size, run.selection)):
        record, weights = bench.serve(run)
        name = f"{run.selection}.n{run.size}.b{run.budget}"
        seconds[name] = record.pop("seconds")
        save_weights(output / "models" / f"{name}.safetensors", weights, **record, model=asdict(task.size))
        records.append(record)
    write_json(output / "runs.json", records)
    journals = sorted((session.scratch / "finetunings").glob("*.jsonl"))
    write_text(output / "metrics.jsonl", "".join(path.read_text(encoding="utf-8") for path in journals))
    return {
        "runs": len(records),
        "finetunings": len(journals),
        "steps": sum(record["steps"] for record in records),
        "flops": sum(record["flops"] for record in records),
        "seconds": seconds,
    }


class _Bench:
    """The fine-tunings of a task: each is made when it is first asked for, and kept in scratch."""

    def __init__(self, task: Task, session: Session, device: torch.device) -> None:
        self._task, self._session, self._device = task, session, device
        self._experts = cache(self._open_experts)
        self._search = cache(self._pretrained_losses)

    def serve(self, run: Run) -> tuple[dict[str, Any], Tensors]:
        """The record and the weights of a run."""
        task = self._task
        tried, search_tokens, search_seconds = self._candidates(run)
        facts = [self._finetuned(expert, run.size, run.budget) for expert in tried]
        best = min(facts, key=lambda fact: (fact["valid_nll"], fact["expert"]))
        flops_search = search_tokens * forward_flops_per_token(task.size)
        flops_search += sum(fact["flops_student"] for fact in facts if fact is not best)
        record = {
            "method": task.method,
            "selection": run.selection,
            "domain": task.domain.name,
            "size": run.size,
            "budget": run.budget,
            "seed": self._session.seed,
            **best,
            "expert_spread": self._spread(run),
            "flops_search": flops_search,
            "seconds": search_seconds + sum(fact["seconds"] for fact in facts),
        }
        record["flops"] = sum(value for key, value in record.items() if key.startswith("flops_"))
        return record, load_weights(self._path(best["expert"], run.size, run.budget))[0]

    def _candidates(self, run: Run) -> tuple[list[int], int, float]:
        """The experts to fine-tune for a run, and the tokens and seconds that this choice took."""
        if run.selection == "most_frequent":
            clusters = self._task.domain.train_clusters
            assert clusters is not None
            return [most_frequent(clusters[: self._seen(run.size)])], 0, 0.0
        if run.selection == "best_pretrained":
            losses, tokens, seconds = self._search(run.size, run.budget)
            return [int(np.argmin(losses))], tokens, seconds
        experts = len(self._experts(run.budget))
        assert run.selection == ("none" if experts == 1 else "best_finetuned")
        return list(range(experts)), 0, 0.0

    def _spread(self, run: Run) -> float | None:
        """How much worse an expert is on average than the best before fine-tuning, where the choice went by this."""
        if run.selection != "best_pretrained":
            return None
        losses, _, _ = self._search(run.size, run.budget)
        return float(np.mean(losses) - np.min(losses))

    def _seen(self, size: int) -> int:
        """How many of the domain's windows a run may choose its expert by: before fine-tuning those of the smallest
        size."""
        sizes = self._task.settings.sizes
        return self._task.domain.train.first(size or min(row.tokens for row in sizes))

    def _pretrained_losses(self, size: int, budget: int) -> tuple[list[float], int, float]:
        """Every expert's loss on the domain's training windows; the tokens and seconds of finding it."""
        train, settings = self._task.domain.train, self._task.settings
        windows = min(settings.search_windows, self._seen(size))
        started = time.perf_counter()
        with self._session.engine.autocast():
            losses = [
                windows_loss(self._model(expert()), train, windows, settings, self._device)
                for expert in self._experts(budget)
            ]
        return losses, len(losses) * windows * train.context, time.perf_counter() - started

    def _finetuned(self, expert: int, size: int, budget: int) -> dict[str, Any]:
        """The facts of one fine-tuning."""
        path = self._path(expert, size, budget)
        if not path.with_suffix(".json").exists():
            if size == 0 or (self._task.control and not self._task.control.steps[size, budget]):
                self._keep_start(path, expert, budget)
            else:
                self._finetune(path, expert, size, budget)
        facts: dict[str, Any] = read_json(path.with_suffix(".json"))["meta"]
        return facts

    def _finetune(self, path: Path, expert: int, size: int, budget: int) -> None:
        task, running = self._task, self._session.scratch / "running" / path.stem
        lora = task.settings.lora
        lesson = self._lesson(size, budget)
        outcome = self._trained(self._experts(budget)[expert](), size, budget, lesson, running)
        tokens = outcome.steps * task.settings.optimization.batch_windows * task.domain.train.context
        key = {"expert": expert, "size": size, "budget": budget}
        lines = (running / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        write_text(path.with_suffix(".jsonl"), "".join(json.dumps(key | json.loads(line)) + "\n" for line in lines))
        save_weights(
            path,
            outcome.weights,
            expert=expert,
            steps=outcome.steps,
            tokens=tokens,
            best_step=outcome.best_step,
            capped=int(outcome.capped),
            valid_nll=outcome.best_loss,
            trained_parameters=adapter_parameter_count(task.size, lora) if lora else parameter_count(task.size),
            flops_student=tokens * training_flops_per_token(task.size, lora),
            flops_teacher_forward=tokens * lesson.forward_flops,
            flops_teacher_training=lesson.training_flops,
            teacher_budget=lesson.budget,
            seconds=outcome.seconds,
        )
        shutil.rmtree(running)

    def _trained(self, weights: Tensors, size: int, budget: int, lesson: Lesson, running: Path) -> Outcome:
        task, session = self._task, replace(self._session, scratch=running)
        valid, device = task.domain.valid, self._device
        if task.control:
            steps = task.control.steps[size, budget]
            generic = task.control.generic
            return continue_pretraining(weights, task.size, valid, generic, steps, size, task.settings, session, device)
        domain = task.domain
        return finetune(
            weights, task.size, domain.name, domain.train, valid, size, task.settings, lesson.loss, session, device
        )

    def _keep_start(self, path: Path, expert: int, budget: int) -> None:
        """A model before fine-tuning, as a fine-tuning of no steps."""
        weights = self._experts(budget)[expert]()
        with self._session.engine.autocast():
            loss = validation_loss(self._model(weights), self._task.domain.valid, self._task.settings, self._device)
        flops = ("flops_student", "flops_teacher_forward", "flops_teacher_training")
        nothing = ("steps", "tokens", "best_step", "capped", "trained_parameters", "teacher_budget", *flops)
        save_weights(path, weights, expert=expert, valid_nll=loss, **dict.fromkeys(nothing, 0), seconds=0.0)

    def _lesson(self, size: int, budget: int) -> Lesson:
        task = self._task
        if task.teachers is None:
            return Lesson(label_loss(task.domain.train, self._device), 0, 0, 0)
        return task.teachers.lesson(task.domain.train, size, budget, self._device)

    def _open_experts(self, budget: int) -> list[Expert]:
        task = self._task
        return open_experts(task.size, task.starts[budget], self._session.seed)

    def _model(self, weights: Tensors) -> Transformer:
        model = Transformer(self._task.size)
        model.load_state_dict(weights)
        return model.to(self._device).eval()

    def _path(self, expert: int, size: int, budget: int) -> Path:
        return self._session.scratch / "finetunings" / f"b{budget}.n{size}.expert{expert}.safetensors"
