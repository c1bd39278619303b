"""What a finished run was made with: settings, commit, machine and date, as its stages have written them down.

In: a run's folder (logs/ beside metrics.tsv) or a published one (run.json). Out: a `Record`. Two runs are the same
study where the settings that decide their numbers agree; seeds, figures and how the machine was used do not count.

    {"pretrain": {"batch": 8}}, {"pretrain": {"batch": 16}} -> ["pretrain.batch is 16, not 8"]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError
from speclm.stage.files import read_json

RECORD = "run.json"  # of published results
ORIGIN = ("commit", "dirty", "processor", "started")
# Sections of the configuration that decide the numbers, but for last bits.
DECIDING = (
    *("documents", "tokenizer", "context", "embedder", "clusters"),
    *("models", "pretrain", "specialize", "distill", "ngram"),
)
# Of these, what only adds results.
_ADDING = ("clusters.k", "clusters.repetitions")
# The configuration's keys for what a study lists.
_LISTS = {
    "methods": "methods",
    "domains": "domains",
    "budgets": "pretrain.budgets",
    "domain_budgets": "pretrain.domain_budgets",
    "sizes": "specialize.sizes",
    "best_finetuned_sizes": "specialize.best_finetuned_sizes",
}


@dataclass(frozen=True)
class Record:
    """One run.

    Attributes:
        settings: `study` (methods, domains, sizes, budgets, seeds, best_finetuned_sizes), and sections of the
            configuration; a run of before these were noted lacks some.
        origin: commit, dirty (files differed from it), processor, started.
    """

    settings: Mapping[str, Any]
    origin: Mapping[str, Any]


def read_record(folder: Path) -> Record:
    """The record of a run or of published results.

    Raises:
        UserError: it is not there, or not at its end.
    """
    published = folder / RECORD
    if published.exists():
        record = read_json(published)
        return Record(record["settings"], {key: record[key] for key in ORIGIN})
    gathered, made = folder / "logs/gather_metrics.summary.json", folder / "logs/make_table/1.job.json"
    for path in (folder / "metrics.tsv", gathered, made):
        if not path.exists():
            raise UserError(
                "is not there",
                where=path,
                remedy="run the workflow of this preset to its end first (laptop: make demo)",
            )
    summary = read_json(gathered)
    settings = read_json(made)["settings"] | summary["settings"]
    return Record(settings, {key: summary[key] for key in ORIGIN})


def differences(expected: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Where the deciding settings of two runs differ, in words, by dotted key; over the sections that both know.

    A key that is not there says the same as one that is null.
    """
    sections = [section for section in DECIDING if section in expected and section in given]
    left, right = _by_key(expected, sections), _by_key(given, sections)
    return [
        f"{key} is {right.get(key)}, not {left.get(key)}"
        for key in dict.fromkeys([*left, *right])
        if left.get(key) != right.get(key)
    ]


def _by_key(settings: Mapping[str, Any], sections: list[str]) -> dict[str, Any]:
    found = {key: settings["study"][name] for name, key in _LISTS.items()}
    leaves = {key: leaf for section in sections for key, leaf in _leaves(settings[section], section)}
    return {key: leaf for key, leaf in (found | leaves).items() if key not in _ADDING}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}")
    else:
        yield key, value
