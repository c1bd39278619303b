"""Where the numbers of a run were made: commits, machines, versions, and the stages with their seconds.

In: the records that stages leave in logs/ (`speclm.stage.summary`). Out:

    {"commits": ["4c1e…"], "dirty": false, "hosts": ["node7"], "processors": ["Xeon …"], "devices": ["Xeon …"],
     "pythons": ["3.11.7"], "started": "2026-…", "ended": "2026-…", "versions": {"torch": ["2.13.0+cpu"]},
     "stages": [{"stage": "pretrain_model", "jobs": 14, "seconds": 301.2, "devices": ["Xeon …"]}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from speclm.stage.files import read_json
from speclm.stage.logs import find_logs

ENVIRONMENT = "environment.json"  # beside the results
Record = Mapping[str, Any]


def read_environment(logs: Path) -> dict[str, Any]:
    """What the finished stages of a run say of where they ran."""
    records = sorted(map(read_json, find_logs(logs, ".summary.json")), key=lambda record: record["started"])
    versions: dict[str, list[str]] = {}
    stages: dict[str, list[Record]] = {}
    for record in records:
        stages.setdefault(record["stage"], []).append(record)
        for package, version in record["versions"].items():
            versions[package] = _each([*versions.get(package, []), version])
    return {
        "commits": _each(record["commit"] for record in records),
        "dirty": any(record["dirty"] for record in records),
        "hosts": _each(record["host"] for record in records),
        "processors": _each(record["processor"] for record in records),
        "devices": _each(record["device"] for record in records),
        "pythons": _each(record["python"] for record in records),
        "started": records[0]["started"] if records else None,
        "ended": max(map(_end, records), default=None),
        "versions": dict(sorted(versions.items())),
        "stages": [_stage(name, those) for name, those in stages.items()],
    }


def origin_environment(record: Record) -> dict[str, Any]:
    """The same of a published run of which only run.json is known: commit, dirty, processor, started."""
    unknown: dict[str, Any] = {"hosts": [], "devices": [], "pythons": [], "versions": {}, "stages": []}
    known = {"commits": _each([record["commit"]]), "processors": _each([record["processor"]])}
    return {**unknown, **known, "dirty": record["dirty"], "started": record["started"], "ended": None}


def _end(record: Record) -> str:
    ended = datetime.fromisoformat(record["started"]) + timedelta(seconds=record["seconds"])
    return ended.isoformat(timespec="milliseconds")


def _stage(name: str, records: Sequence[Record]) -> dict[str, Any]:
    seconds = round(sum(record["seconds"] for record in records), 1)
    return {
        "stage": name,
        "jobs": len(records),
        "seconds": seconds,
        "devices": _each(record["device"] for record in records),
    }


def _each(values: Iterable[str | None]) -> list[str]:
    """Each once, in their order; None stands for what was not known."""
    return [value for value in dict.fromkeys(values) if value is not None]
