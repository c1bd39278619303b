"""Entries become runs of MLflow: a copy to look at, which can be made again, since the results folder stays the truth.

In: entries, a client of a tracking store, and the name of an experiment. Out: runs with parameters, tags, metrics over
steps and files. An entry that is there is left alone; one whose import was interrupted is completed, since what was
logged once may be logged again:

    120 entries: 120 new      the same again: 0 new      another learning rate: its trainings and all below them are new

Jobs never write to a tracking store: it may be locked, full or far away while a training goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from speclm.stage.errors import UserError
from speclm.study.entries import Entry
from speclm.study.store import database_of, public
from speclm.study.tracked_views import view_tags

NOTE = "mlflow.note.content"  # the tag that MLflow shows as the description
EXPERIMENT_NOTE = (
    "One run of the workflow. **Trainings** stand above what starts from them: a pretraining, its fine-tunings on a "
    "domain, and the models that came out, with their results on test documents (`test/perplexity`: lower is better). "
    "The run named study holds tables, figures and verdicts. All of it is a copy: the results folder is the truth."
)
PARAMETERS, VALUES = 100, 900  # that MLflow takes at once: no more of the one, no more than 1,000 of all

Item = TypeVar("Item")


@dataclass(frozen=True)
class Imported:
    """What an import did: runs made or completed, and runs that were there."""

    new: int
    present: int


def import_entries(client: Any, experiment: str, entries: Iterable[Entry], with_weights: bool) -> Imported:
    """Make a run of every entry that is not there; `with_weights` adds the weights of all.

    Raises:
        UserError: the experiment was deleted.
    """
    identifier = _experiment(client, experiment)
    tags = client.get_experiment(identifier).tags
    for key, value in {NOTE: EXPERIMENT_NOTE, **view_tags()}.items():
        if tags.get(key) != value:
            client.set_experiment_tag(identifier, key, value)
    found = _runs(client, identifier)
    runs = {entry: run.info.run_id for entry, run in found.items()}
    new = present = 0
    for entry in entries:
        run = found.get(entry.id)
        if run is not None and run.info.status == "FINISHED":
            present += 1
        else:
            if run is None:
                parent = runs[entry.parent] if entry.parent else None
                runs[entry.id] = _create(client, identifier, entry, parent)
            _log(client, runs[entry.id], entry)
            new += 1
        if with_weights and entry.weights and not (run and "weights" in run.data.tags):
            _keep(client, runs[entry.id], {"weights": entry.weights})
            client.set_tag(runs[entry.id], "weights", "kept")
    return Imported(new, present)


def _experiment(client: Any, name: str) -> str:
    """The id of an experiment, made if need be; beside a database file it keeps its files in a folder there."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        uri = client.tracking_uri
        local = urlsplit(uri).scheme == "sqlite"
        place = (database_of(uri).resolve().parent / "artifacts" / name).as_uri() if local else None
        return str(client.create_experiment(name, artifact_location=place))
    if experiment.lifecycle_stage != "active":
        raise UserError(
            f'the experiment "{name}" was deleted',
            where=public(client.tracking_uri),
            remedy=f"restore it: .venv/bin/mlflow experiments restore -x {experiment.experiment_id}",
        )
    return str(experiment.experiment_id)


def _runs(client: Any, experiment: str) -> dict[str, Any]:
    """The runs that are there, by the ids of their entries."""
    found: dict[str, Any] = {}
    token: str | None = ""
    while token is not None:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        found |= {run.data.tags["entry"]: run for run in page if "entry" in run.data.tags}
        token = page.token or None
    return found


def _create(client: Any, experiment: str, entry: Entry, parent: str | None) -> str:
    tags = {**entry.tags, "entry": entry.id, "mlflow.source.git.commit": entry.tags["commit"], NOTE: entry.note}
    if parent:
        tags["mlflow.parentRunId"] = parent
    run = client.create_run(experiment, start_time=_milliseconds(entry.started), tags=tags, run_name=entry.name)
    return str(run.info.run_id)


def _log(client: Any, run: str, entry: Entry) -> None:
    """Everything but weights; with the last call the run counts as finished."""
    from mlflow.entities import Metric, Param

    at = _milliseconds(entry.started)
    parameters = [Param(key, value) for key, value in entry.parameters.items()]
    values = [Metric(point.key, point.value, at, point.step) for point in entry.points]
    for some, more in zip_longest(_batches(parameters, PARAMETERS), _batches(values, VALUES)):
        client.log_batch(run, params=some or (), metrics=more or ())
    _keep(client, run, entry.files)
    client.set_terminated(run, "FINISHED", end_time=at + _milliseconds(entry.seconds))


def _keep(client: Any, run: str, files: Mapping[str, Iterable[Path]]) -> None:
    for folder, paths in files.items():
        for path in paths:
            client.log_artifact(run, str(path), folder or None)


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
