"""What it took to make each measured model: parameters, tokens, steps, FLOPs, and the seconds it was measured to take.

In: the facts beside every pretraining checkpoint and every specialised model. Out: one row per measurement, where a
method's pretraining is charged as its row of config/methods.tsv says: an slm_mix pays for all of its experts, an
slm_d also for its teacher's pretraining, whose budget need not be its own, and an slm_is pays for its own as part of
specialisation, since no other domain can use it.

    two experts of 50 FLOPs each, one fine-tuned for 3: flops_generic 100, flops_specialize 3
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.model.size import (
    ModelSize,
    ProjectionSize,
    forward_flops_per_token,
    parameter_count,
    projected_parameter_count,
)
from speclm.stage.errors import UserError
from speclm.stage.files import read_json
from speclm.study.metrics import RUN_COLUMNS
from speclm.study.plan import GENERIC, Measurement

Facts = Mapping[str, Any]


def read_stages(files: Mapping[str, Any]) -> tuple[list[Facts], list[Facts]]:
    """The facts of all checkpoints and of all models.

    Args:
        files: "pretrained", "specialized": folders; "pretrained_summaries", "specialized_summaries": in their order.
    """
    pretrained, specialized = (
        [
            facts
            for folder, summary in zip(files[stage], files[f"{stage}_summaries"], strict=True)
            for facts in read_facts(folder, summary)
        ]
        for stage in ("pretrained", "specialized")
    )
    return pretrained, specialized


def read_facts(folder: Path, summary: Path) -> list[Facts]:
    """The facts beside all weights of a folder (checkpoints/ or models/), with their measured seconds, device and host.

    Args:
        summary: of the stage that made them: {"seconds": {name: seconds}, "device": …, "host": …}, where name is a
            checkpoint's budget ("400000" for b400000.json) or a model's file name ("none.n4000.b400000").
    """
    record = read_json(summary)
    made = {"device": record["device"], "host": record["host"]}
    facts: list[Facts] = []
    for path in sorted(Path(folder).glob("*.json")):
        meta = read_json(path)["meta"]
        name = path.stem if "selection" in meta else str(meta["budget"])
        facts.append({**meta, "seconds": record["seconds"][name], **made})
    return facts


def describe_runs(
    names: Iterable[Measurement], pretrained: Sequence[Facts], specialized: Sequence[Facts], methods: pd.DataFrame
) -> pd.DataFrame:
    """One row per measurement: its name and `RUN_COLUMNS` of metrics.tsv.

    Args:
        pretrained: facts of checkpoints: method, part, seed, budget, tokens, steps, flops, model, projection.
        specialized: facts of models: method, selection, domain, size, budget, seed, tokens, steps, best_step, capped,
            expert_spread, flops, flops_student, teacher_budget (0: no teacher), model.
        methods: config/methods.tsv, with the rows of `with_variants`. steps are the optimizer's, of pretraining and
            specialisation together. flops_to_best is the served model's own fine-tuning up to its best validation.

    Raises:
        UserError: a measured model whose facts are missing.
    """
    books = _Books(pretrained, specialized, methods)
    return pd.DataFrame([{**name._asdict(), **books.costs(name)} for name in names])


def time_runs(
    names: Iterable[Measurement], pretrained: Sequence[Facts], specialized: Sequence[Facts], methods: pd.DataFrame
) -> pd.DataFrame:
    """timings.tsv: one row per measurement with the measured seconds, charged like the FLOPs.

    Args:
        pretrained: method, part, seed, budget, seconds, device, host. specialized: method, selection, domain, size,
            budget, seed, seconds, device, host.
    """
    books = _Books(pretrained, specialized, methods)
    rows = []
    for name in names:
        own, shared = books.sources(name)
        made = books.specialized(name)
        last = made or own[-1]
        rows.append(
            {
                **name._asdict(),
                "seconds_generic": sum(facts["seconds"] for facts in shared),
                "seconds_specialize": sum(facts["seconds"] for facts in own if not shared)
                + (made["seconds"] if made else 0.0),
                "device": last["device"],
                "host": last["host"],
            }
        )
    return pd.DataFrame(rows)


def describe_counts(names: Iterable[Measurement], counts: Sequence[Facts]) -> pd.DataFrame:
    """The same of the peers that count: their n-grams stand for parameters; nothing is a step, or costs FLOPs.

    Args:
        counts: ngram/runs.json.
    """
    facts = {(run["method"], run["domain"], run["size"]): run for run in counts}
    generic = {run["method"]: run["ngrams"] for run in counts if run["domain"] == GENERIC}
    rows = []
    for name in names:
        run = facts[name.method, name.domain, name.size]
        counted = {
            "parameters_pretrain": generic.get(name.method, run["ngrams"]),
            "parameters_serve": run["ngrams"],
            "pretrain_tokens": run["generic_tokens"],
            "specialize_tokens": run["domain_tokens"],
            "expert_spread": None,
        }
        rows.append({**name._asdict(), **dict.fromkeys(RUN_COLUMNS, 0), **counted})
    return pd.DataFrame(rows)


def time_counts(names: Iterable[Measurement], summary: Facts) -> pd.DataFrame:
    """Their rows of timings.tsv.

    Args:
        summary: ngram/summary.json.
    """
    made = {"device": summary["device"], "host": summary["host"]}
    seconds = {name: summary["seconds"][f"{name.method} {name.domain} {name.size}"] for name in names}
    return pd.DataFrame(
        [
            {**name._asdict(), **{f"seconds_{part}": spent for part, spent in found.items()}, **made}
            for name, found in seconds.items()
        ]
    )


class _Books:
    """Facts by what they belong to."""

    def __init__(self, pretrained: Sequence[Facts], specialized: Sequence[Facts], methods: pd.DataFrame) -> None:
        self._pretrained = pretrained
        keys = ("method", "selection", "domain", "size", "budget", "seed")
        self._specialized = {tuple(facts[key] for key in keys): facts for facts in specialized}
        self._methods = methods.set_index("method")

    def specialized(self, name: Measurement) -> Facts | None:
        """The facts of the specialised model; None for generic text, which is measured before specialisation."""
        if name.domain == GENERIC:
            return None
        if name[:6] not in self._specialized:
            raise UserError(
                f"no facts of the specialised model of {name}", where="specialize/", remedy="specialise it again"
            )
        return self._specialized[name[:6]]

    def sources(self, name: Measurement) -> tuple[list[Facts], list[Facts]]:
        """The pretrainings the model itself comes from; and those that all domains share, a teacher's included."""
        row = self._methods.loc[name.method]
        own = self._parts(str(row["pretraining"]), name, name.budget)
        if row["of"] == "slm_is":
            return own, []
        made = self.specialized(name)
        if row["teacher"] == "-" or made is None:
            return own, own
        teacher = str(self._methods.loc[row["teacher"], "pretraining"])
        return own, [*own, *self._parts(teacher, name, made["teacher_budget"])]

    def costs(self, name: Measurement) -> dict[str, float | None]:
        """`RUN_COLUMNS` of one measurement."""
        own, shared = self.sources(name)
        made = self.specialized(name)
        size = ModelSize(**(made or own[0])["model"])
        return {
            "parameters_pretrain": sum(_parameters(facts) for facts in own) if own else parameter_count(size),
            "parameters_serve": parameter_count(size),
            "pretrain_tokens": sum(facts["tokens"] for facts in own),
            "specialize_tokens": made["tokens"] if made else 0,
            "steps": sum(facts["steps"] for facts in own) + (made["steps"] if made else 0),
            "flops_generic": sum(facts["flops"] for facts in shared),
            "flops_specialize": sum(facts["flops"] for facts in own if not shared) + (made["flops"] if made else 0),
            "capped": made["capped"] if made else 0,
            "expert_spread": made["expert_spread"] if made else None,
            "flops_to_best": made["flops_student"] * made["best_step"] // max(1, made["steps"]) if made else 0,
            "flops_serve_per_token": forward_flops_per_token(size),
        }

    def _parts(self, method: str, name: Measurement, budget: int) -> list[Facts]:
        if method == "-":
            return []
        found = [
            facts
            for facts in self._pretrained
            if (facts["method"], facts["seed"], facts["budget"]) == (method, name.seed, budget)
            and (self._methods.loc[method, "of"] != "slm_is" or facts["part"] == name.domain)
        ]
        if not found:
            raise UserError(f"no facts of the pretraining of {name}", where="pretrain/", remedy="pretrain it again")
        return found


def _parameters(facts: Facts) -> int:
    size = ModelSize(**facts["model"])
    projection = facts["projection"]
    return projected_parameter_count(size, ProjectionSize(**projection)) if projection else parameter_count(size)
