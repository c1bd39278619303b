"""What made a result, from what, with which settings and seeds, when and where: as a tree of stages, or step by step.

results/laptop/tables/table_8.md
is made by 82 steps from sympy==1.14.0, … with seed 17, at commit 4c1e09d2f00a. Every step read what is there now.

make_table table=8: 1.9 s
└─ gather_metrics: 2.4 s
   ├─ evaluate_domain, 21 steps: 112.0 s
   …

And in full:

1 make_table table=8
  ran       2026-11-21 13:20:45 UTC, 1.9 s, on node7 (Intel(R) Xeon(R) Processor), at commit 4c1e09d2f00a
  under     python 3.11.7, numpy 2.4.6, pandas 3.1.1; stage's revision 1
  settings  context=128  evaluate.batch=64  …
  read      4c1e09d2f00a  metrics  results/laptop/metrics.tsv, made by step 2
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from speclm.stage.provenance import Chain, Read, Record, Step, trace

WIDTH = 120
DIGITS = 12  # of a checksum
CORPORA = 6  # of a stage, in the tree


def explain(file: Path, full: bool) -> str:
    """Where a result comes from, read downwards from its own step to the corpus.

    Args:
        full: every step with all that is known of it; else a tree, a line for each stage.

    Raises:
        UserError: as `speclm.stage.provenance.trace` does.
    """
    chain = trace(file)
    told: dict[str, int] = {}
    steps = [_block(step, told) for step in chain.steps] if full else ["\n".join(_tree(chain))]
    return "\n\n".join([_head(chain), *steps]) + "\n"


def _tree(chain: Chain) -> list[str]:
    """A line for each stage, below one that read what it made; what is reached through another stage stands there."""
    stages: dict[str, list[Step]] = {}
    for step in chain.steps:
        stages.setdefault(step.record["stage"], []).append(step)
    stage_of = {step.number: step.record["stage"] for step in chain.steps}
    reads = {
        stage: {stage_of[read.maker] for step in steps for read in step.reads if read.maker} - {stage}
        for stage, steps in stages.items()
    }
    shown: set[str] = set()

    def beyond(stage: str, known: frozenset[str] = frozenset()) -> set[str]:
        """All that a stage rests on."""
        ahead = reads[stage] - known
        return ahead.union(*(beyond(other, known | ahead | {stage}) for other in ahead))

    def lines(stage: str, indent: str) -> Iterator[str]:
        shown.add(stage)
        nearest = [other for other in stages if other in reads[stage]]
        nearest = [
            other for other in nearest if not any(other in beyond(between) for between in reads[stage] - {other})
        ]
        read = [_origin(origin) for step in stages[stage] for origin in _corpus(step.record)]
        more = [f"and {len(read) - CORPORA} corpora more"] if len(read) > CORPORA else []
        texts = [f"{other}, as above" if other in shown else _stage_line(stages[other]) for other in nearest]
        for place, text in enumerate([*texts, *read[:CORPORA], *more], start=1):
            last = place == len(texts) + len(read[:CORPORA]) + len(more)
            yield f"{indent}{'└─' if last else '├─'} {text}"
            if place <= len(nearest) and (other := nearest[place - 1]) not in shown:
                yield from lines(other, indent + ("   " if last else "│  "))

    first = chain.steps[0].record["stage"]
    return [_stage_line(stages[first]), *lines(first, "")]


def _stage_line(steps: Sequence[Step]) -> str:
    """A stage, how often it ran and for how long in all."""
    records = [step.record for step in steps]
    seconds = f"{sum(record['seconds'] for record in records):.1f} s"
    if len(records) > 1:
        return f"{records[0]['stage']}, {len(records)} steps: {seconds}"
    wildcards = _assignments({key: value for key, value in records[0]["wildcards"].items() if value})
    return f"{records[0]['stage']} {wildcards}".rstrip() + f": {seconds}"


def _head(chain: Chain) -> str:
    records = [step.record for step in chain.steps]
    corpora = [origin["origin"] for record in records for origin in _corpus(record)]
    seeds = {seed for record in records for seed in record["seeds"].values()}
    text = f"is made by {len(records)} steps from {_list(corpora)}, with seed {_list(sorted(seeds))}, "
    text += _list(dict.fromkeys(_commit(record) for record in records))
    if chain.broken:
        text += f". Step {_list(chain.broken)} read what is no longer there: the workflow makes it anew."
    else:
        text += ". Every step read what is there now."
    path = f"{chain.path}\n" + (f"THIS FILE {chain.change.upper()} its step wrote it.\n" if chain.change else "")
    return path + textwrap.fill(text, WIDTH, break_on_hyphens=False)


def _block(step: Step, told: dict[str, int]) -> str:
    """The lines of a step; `told` holds the step at which settings were told first."""
    record = step.record
    started = datetime.fromisoformat(record["started"]).strftime("%Y-%m-%d %H:%M:%S UTC")
    versions = ", ".join(
        f"{name} {number}" for name, number in {"python": record["python"], **record["versions"]}.items()
    )
    settings = _settings(record)
    first = told.setdefault(settings, step.number)
    lines = [
        ("ran", f"{started}, {record['seconds']:.1f} s, on {record['host']} ({record['device']}), {_commit(record)}"),
        ("under", f"{versions}; stage's revision {record['revision']}"),
        ("seed", _assignments(record["seeds"])),
        ("settings", settings if first == step.number else f"as in step {first}"),
        *(("corpus", _origin(origin)) for origin in _corpus(record)),
        *(("read", _read(read)) for read in step.reads),
    ]
    wildcards = _assignments(record["wildcards"])
    return "\n".join([f"{step.number} {record['stage']} {wildcards}".rstrip(), *_labelled(lines)])


def _labelled(lines: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Texts beside their labels, each label once."""
    last = ""
    for label, text in lines:
        if text:
            begin = f"  {'' if label == last else label:<10}"
            yield textwrap.fill(text, WIDTH, initial_indent=begin, subsequent_indent=" " * 12, break_on_hyphens=False)
        last = label


def _settings(record: Record) -> str:
    flat = {key.removeprefix("settings."): value for key, value in record["fingerprint"].items()}
    hidden = ("wildcards.", "inputs.")
    return _assignments({k: v for k, v in flat.items() if not k.startswith(hidden) and k != "revision"})


def _commit(record: Record) -> str:
    if record["commit"] is None:
        return "outside a checkout"
    return f"at commit {record['commit'][:DIGITS]}" + (" with changes of its files" if record["dirty"] else "")


def _corpus(record: Record) -> list[Mapping[str, Any]]:
    """What documents were collected from, as their stage counted it."""
    return list(record["facts"].get("origins", []))


def _origin(origin: Mapping[str, Any]) -> str:
    return f"{origin['sha256'][:DIGITS]}  {origin['origin']}: {origin['documents']} documents"


def _read(read: Read) -> str:
    whence = f", made by step {read.maker}" if read.maker else ""
    return f"{read.sha256[:DIGITS]}  {read.name}  {read.path}{whence}" + (
        f"; {read.change.upper()}" if read.change else ""
    )


def _assignments(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in values.items())


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))
