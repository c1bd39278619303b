"""One study from runs of different seeds: each is kept as soon as it ends, on any machine, and joined to the others.

In: the published folders of two runs of one study that differ in their seeds alone. Out: one published folder that
holds the measurements of both; what is made from them (tables, figures, verdicts) is made anew by `make_all`.

    seeds 17 and 18 in one folder, 19 in the other: metrics.tsv has the rows of 17, 18 and 19, sorted; run.json lists
    them, and under "joined" the commit, processor and date of each part
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, sha256, write_json, write_table
from speclm.study.metrics import write_documents_table
from speclm.study.plan import KEY
from speclm.study.publishing import publish
from speclm.study.record import ORIGIN, RECORD, differences

TABLES = ("metrics.tsv", "timings.tsv")
DOCUMENTS = "documents.parquet"


def publish_joined(run: Path, folder: Path) -> None:
    """Publish a finished run in `folder` beside the seeds that are published there already.

    Raises:
        UserError: the run is not finished, or cannot be joined to what is there; then nothing is changed.
    """
    if not (folder / RECORD).exists():
        publish(run, folder)
        return
    with TemporaryDirectory() as place:
        fresh = Path(place) / folder.name
        publish(run, fresh)
        join(folder, fresh)


def join(folder: Path, other: Path) -> None:
    """Add the seeds of `other` to the published results in `folder`.

    Raises:
        UserError: settings that decide the numbers differ, a seed stands in both, or their texts are not the same.
    """
    ours, theirs = (read_json(path / RECORD) for path in (folder, other))
    _refuse_strangers(ours, theirs, folder, other)
    for name in TABLES:
        frames = pd.concat([read_table(path / name) for path in (folder, other)])
        write_table(folder / name, frames.sort_values(KEY, ignore_index=True))
    documents = pd.concat([pd.read_parquet(path / DOCUMENTS) for path in (folder, other)])
    write_documents_table(folder / DOCUMENTS, documents.sort_values([*KEY, "document"], ignore_index=True))
    seeds = sorted([*_seeds(ours), *_seeds(theirs)])
    settings = {**ours["settings"], "seeds": seeds, "study": {**ours["settings"]["study"], "seeds": seeds}}
    parts = sorted([*_parts(ours), *_parts(theirs)], key=lambda part: part["seeds"])
    sums = {name: sha256(folder / name) for name in ours["sha256"]}
    write_json(folder / RECORD, {**ours, "settings": settings, "sha256": sums, "joined": parts})


def _refuse_strangers(ours: Mapping[str, Any], theirs: Mapping[str, Any], folder: Path, other: Path) -> None:
    differing = differences(ours["settings"], theirs["settings"])
    if differing:
        raise UserError(
            f"is another study: {'; '.join(differing[:3])}", where=other, remedy="join runs of one configuration"
        )
    both = sorted({*_seeds(ours)} & {*_seeds(theirs)})
    if both:
        raise UserError(
            f"has seed {both[0]}, which {folder} has already",
            where=other,
            key="seeds",
            remedy="join runs of different seeds, or publish without --join to take its place",
        )
    if ours["sha256"]["histograms.tsv"] != theirs["sha256"]["histograms.tsv"]:
        raise UserError(
            f"has other clusters or another text than {folder}: histograms.tsv differs",
            where=other,
            remedy="install envs/lock.txt, and run on a processor of the same kind",
        )


def _seeds(record: Mapping[str, Any]) -> list[int]:
    seeds: list[int] = record["settings"]["study"]["seeds"]
    return seeds


def _parts(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    alone = [{"seeds": _seeds(record), **{key: record[key] for key in ORIGIN}}]
    parts: list[dict[str, Any]] = record.get("joined", alone)
    return parts
