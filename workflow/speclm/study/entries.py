"""The runs of a results folder as entries: what a tracking server shows of each, in trees that mirror the DAG.

In: the finished jobs of a run and what they left: curves, models, metrics.tsv. Out: entries, each after its parent:

    slm_mix seed17                            stands for its experts: what starts from several stands under them all
      pretrain slm_mix expert3 seed17         a training, with its curve
      specialize slm_mix sympy seed17         all fine-tunings of a method on a domain
        slm_mix sympy n2500 b300000 seed17    a model, with its curve, its test results and its costs
          expert3                             one of the fine-tunings that best_finetuned chose among
    study laptop                              tables, figures, verdicts, the perplexities behind the figures

An entry's id says what it is: settings, revision, checksums of inputs, the curve and results that came out (all but
seconds), and its parent's id. Equal runs have equal ids; a run with another setting, or below another, has another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from speclm.stage.files import read_json, read_table, sha256
from speclm.stage.fingerprint import short_hash
from speclm.study.finished import Finished, makers, read_finished
from speclm.study.plan import GENERIC, KEY, Measurement
from speclm.study.points import (
    Point,
    Row,
    checkpoint_costs,
    costs,
    curve,
    curves_of_pretraining,
    macro_perplexities,
    measured,
    read_rows,
    repeatable,
)
from speclm.study.tracked_views import OVERLAID

_CHOSEN = ("method", "selection", "domain", "size", "budget", "seed")  # tags that are parameters too: charts need them


@dataclass(frozen=True)
class Entry:
    """One run of a tracking server.

    Attributes:
        parent: the id of the entry above. note: what it is, in a sentence or two.
        started: seconds since the epoch; `seconds`: how long it took.
        files: what is kept of it, by the folder that it goes to; `weights`: what is kept on request.
    """

    id: str
    parent: str | None
    name: str
    note: str
    started: float
    seconds: float
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    points: tuple[Point, ...]
    files: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    weights: Sequence[Path] = ()


def read_entries(run: Path) -> Iterator[Entry]:
    """Every entry of a results folder, each after its parent.

    Raises:
        UserError: nothing there is finished, or a file is damaged.
    """
    trainings, studies = read_finished(run)
    rows: dict[Measurement, Row] = {}
    for study in reversed(studies):  # the study of the methods themselves goes before that of their variants
        rows |= read_rows(study.metrics, study.job.outputs["timings"])
    variants = [row for study in studies for row in study.summary["settings"]["study"].get("variants", ())]
    yield from _Trees(trainings, rows, {row["method"]: row["of"] for row in variants}).entries()
    for study in studies:
        yield _study(study, run)


class _Trees:
    """Trainings, what each starts from, and what was measured of it; `bases` names what a variant is a variant of."""

    def __init__(self, trainings: list[Finished], rows: Mapping[Measurement, Row], bases: Mapping[str, str]) -> None:
        self._starts, self._teachers = makers(trainings, "checkpoints"), makers(trainings, "teachers")
        self._rows, self._bases = rows, bases

    def entries(self) -> Iterator[Entry]:
        """Each root with all that stands below it."""
        mixtures = dict.fromkeys(parts for parts in self._starts.values() if len(parts) > 1)
        inside = {part for parts in mixtures for part in parts}
        for parts in mixtures:
            mixture = self._mixture(parts)
            yield mixture
            yield from (self._pretraining(part, mixture.id) for part in parts)
            yield from self._below(parts, mixture.id)
        for done, starts in self._starts.items():
            if done not in inside and "part" in done.job.wildcards:
                root = self._pretraining(done, None)
                yield root
                yield from self._below((done,), root.id)
            elif done not in inside and not starts:
                yield from self._specialization(done, None)

    def _mixture(self, parts: Sequence[Finished]) -> Entry:
        """What stands for the experts of one model."""
        wildcards = parts[0].job.wildcards
        rows = self._generic(wildcards)
        content = {"parts": [short_hash(part.content) for part in parts], "rows": [repeatable(row) for row in rows]}
        tags = {"kind": "mixture", OVERLAID: "yes", **self._tags(wildcards), "experts": len(parts)}
        del tags["part"]
        points = (*measured(rows, "heldout", over_budgets=True), *costs(rows, over_budgets=True))
        seconds = sum(part.summary["seconds"] for part in parts)
        return _entry(parts[0], "{method} seed{seed}".format(**wildcards), content, None, tags, points, seconds=seconds)

    def _pretraining(self, done: Finished, parent: str | None) -> Entry:
        wildcards, folder = done.job.wildcards, done.job.outputs["checkpoints"]
        rows = [] if parent else self._generic(wildcards)  # of experts the mixture is measured
        points = (
            *curves_of_pretraining(done.journal()),
            *checkpoint_costs(folder, done.summary["facts"]["seconds"]),
            *measured(rows, "heldout", over_budgets=True),
        )
        content = {**done.content, "rows": [repeatable(row) for row in rows]}
        tags = {"kind": "pretraining", **self._tags(wildcards), **({} if parent else {OVERLAID: "yes"})}
        name = "pretrain {method} {part} seed{seed}".format(**wildcards)
        return _entry(done, name, content, parent, tags, points, weights=sorted(folder.glob("b*.*")))

    def _below(self, starts: tuple[Finished, ...], parent: str) -> Iterator[Entry]:
        """What starts from these pretrainings and no others."""
        for done in self._starts:
            if self._starts[done] == starts:
                yield from self._specialization(done, parent)

    def _specialization(self, done: Finished, parent: str | None) -> Iterator[Entry]:
        """The stage and, below it, each of its models."""
        tags = {"kind": "specialization", **self._tags(done.job.wildcards)}
        for teacher in self._teachers[done]:
            tags["teacher"] = _specialize(teacher)
        facts = done.summary["facts"]
        points = tuple(Point(f"cost/{key}", facts[key], 0) for key in ("steps", "flops"))
        stage = _entry(done, _specialize(done), done.content, parent, tags, points)
        yield stage
        journal = done.journal()
        for made in read_json(done.job.outputs["runs"]):
            lines = [line for line in journal if (line["size"], line["budget"]) == (made["size"], made["budget"])]
            yield from self._model(done, stage.id, made, lines)

    def _model(self, done: Finished, parent: str, made: Row, lines: Sequence[Row]) -> Iterator[Entry]:
        """One served model; where it is the best of several fine-tunings, these stand below it."""
        measurement = Measurement._make([*(made[key] for key in KEY[:-1]), "test"])
        rows = [self._rows[measurement]] if measurement in self._rows else []
        tags = {"kind": "model", **{key: made[key] for key in (*_CHOSEN, "expert")}, **self._tags(made)}
        name = "{method} {domain} n{size} b{budget} seed{seed}".format(**made)
        name += "" if made["selection"] == "none" else f" {made['selection']}"
        points = (
            *curve(line for line in lines if line["expert"] == made["expert"]),
            *(Point(f"finetune/{fact}", made[fact], 0) for fact in made if fact not in tags and made[fact] is not None),
            *measured(rows, "test", over_budgets=False),
            *costs(rows, over_budgets=False),
        )
        content = {"name": name, "rows": [repeatable(row) for row in rows]}
        stem = "{selection}.n{size}.b{budget}".format(**made)
        weights = sorted(done.job.outputs["models"].glob(f"{stem}.*"))
        seconds = done.summary["facts"]["seconds"][stem]
        model = _entry(done, name, content, parent, tags, points, seconds=seconds, weights=weights)
        yield model
        for expert in sorted({line["expert"] for line in lines}) if made["selection"] == "best_finetuned" else ():
            tags |= {"kind": "candidate", "expert": expert}
            points = tuple(curve(line for line in lines if line["expert"] == expert))
            yield _entry(done, f"expert{expert}", {"expert": expert}, model.id, tags, points, seconds=0.0)

    def _tags(self, named: Mapping[str, Any]) -> dict[str, Any]:
        base = self._bases.get(named["method"], named["method"])
        return {**{key: named[key] for key in ("method", "part", "domain", "seed") if key in named}, "base": base}

    def _generic(self, wildcards: Mapping[str, str]) -> list[Row]:
        """The measurements of a pretrained model on generic text, over the budgets."""
        wanted = (wildcards["method"], GENERIC, int(wildcards["seed"]))
        return [row for name, row in self._rows.items() if (name.method, name.domain, name.seed) == wanted]


def _study(done: Finished, run: Path) -> Entry:
    """The study that a metrics.tsv belongs to: what was made of it, and what its figures show."""
    folder = done.metrics.parent
    settings = {key: value for key, value in done.summary["fingerprint"].items() if not key.startswith("inputs.")}
    tags = {"kind": "study"}
    if (folder / "claims.tsv").exists():
        verdicts = read_table(folder / "claims.tsv")["verdict"]
        tags |= {f"claim.{number}": verdict for number, verdict in enumerate(verdicts, start=1)}
    files = {name: sorted((folder / name).glob("[!.]*")) for name in ("tables", "figures")}
    files[""] = sorted(path for path in folder.glob("[!.]*.*") if path.suffix in (".tsv", ".txt", ".md", ".html"))
    name = f"study {folder.relative_to(run.parent).as_posix()}"
    points = tuple(macro_perplexities(read_table(done.metrics)))
    content = {**settings, "outputs.metrics": sha256(done.metrics)}
    return _entry(done, name, content, None, tags, points, files=files)


def _entry(
    done: Finished,
    name: str,
    content: Mapping[str, Any],
    parent: str | None,
    tags: Mapping[str, Any],
    points: tuple[Point, ...],
    *,
    seconds: float | None = None,
    files: Mapping[str, Sequence[Path]] | None = None,
    weights: Sequence[Path] = (),
) -> Entry:
    """An entry of a job, or of one of the things that it made: `content` tells it from the job's others."""
    fingerprint, summary = done.summary["fingerprint"], done.summary
    settings = {key.removeprefix("settings."): value for key, value in fingerprint.items()}
    settings = {key: value for key, value in settings.items() if not key.startswith("wildcards.")}
    made = {key: summary[key] for key in ("commit", "dirty", "host", "processor")}
    return Entry(
        id=short_hash({**content, "parent": parent}),
        parent=parent,
        name=name,
        note=_note(tags),
        started=datetime.fromisoformat(summary["started"]).timestamp(),
        seconds=summary["seconds"] if seconds is None else seconds,
        parameters=_texts({**settings, **{key: tags[key] for key in _CHOSEN if key in tags}}),
        tags=_texts({**tags, "fingerprint": short_hash(fingerprint), **made}),
        points=points,
        files=files or {},
        weights=weights,
    )


def _note(tags: Mapping[str, Any]) -> str:
    """What an entry is, in words."""
    lower = "lower is better"
    words = {
        "mixture": "{method}: {experts} experts, each trained on the generic text of one cluster. What was measured of "
        "them together, over the budgets.",
        "pretraining": "Pretraining of {method} on generic text ({part}), seed {seed}. Steps of `over_tokens/…` are "
        f"tokens, those of `heldout/…` and `cost/…` budgets; perplexity: {lower}.",
        "specialization": "All fine-tunings of {method} on {domain}, seed {seed}: its models stand below.",
        "model": "{method} for {domain}, fine-tuned on {size} tokens of it (0: not at all), at a budget of {budget} "
        f"tokens. `test/perplexity` is of its test documents: {lower}.",
        "candidate": "One of the fine-tunings that the best was chosen among: expert {expert} for {domain}.",
        "study": f"Tables, figures and verdicts of the study (Artifacts), and the perplexities behind them: {lower}.",
    }
    return words[tags["kind"]].format(**tags)


def _specialize(done: Finished) -> str:
    return "specialize {method} {domain} seed{seed}".format(**done.job.wildcards)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
