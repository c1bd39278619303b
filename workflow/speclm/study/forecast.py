"""What a whole run will take, before anything runs: hours, disk and the longest chain of jobs that wait for each other.

In go the jobs (stage/graph.py), their work (work.py) and the speed of the device (speed.py); out come a table with one
row per rule, the longest path, and both as text:

    pretrain (2 h) and encode (1 h) -> specialize (3 h):   5 hours on the longest path, 6 in all
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import pandas as pd

from speclm.cluster.importance import DRAW_BYTES
from speclm.stage.graph import Node
from speclm.stage.pace import Left, State, Task, time_left
from speclm.study.duration import expected_seconds, kind_of
from speclm.study.extent import Study
from speclm.study.plan import GENERIC
from speclm.study.speed import Speed
from speclm.study.work import FLOAT, Work, work_of

HOUR = 3600.0
GIGA = 1e9
WIDTH = 100  # of a line of text
COLUMNS = ["jobs", "tokens", "flops", "device_hours", "core_hours", "disk_gb"]
ORDER = 20  # bytes for each generic window: its number, its place in the shuffled epoch, its cluster


@dataclass(frozen=True)
class Forecast:
    """Of one run.

    rules: by rule, `COLUMNS`. path: the longest one, first job first, with the hours of each. memory: bytes that the
    rule named takes at once, where they grow with the corpus or a setting. tasks: every job.
    """

    rules: pd.DataFrame
    path: list[tuple[Node, float]]
    memory: Mapping[str, int]
    tasks: Sequence[Task]

    def elapsed(self, cores: int) -> Left:
        """How long the whole takes where the device is so many cores."""
        return time_left(self.tasks, [State()] * len(self.tasks), [], cores)


def make_forecast(study: Study, jobs: Sequence[Node], speed: Speed, durations: pd.DataFrame) -> Forecast:
    """Count the work of all jobs and turn it into hours.

    Args:
        durations: config/reference/durations.tsv, for rules whose work is not counted.
    """
    processes = study.config["engine"]["processes"]
    rows, hours = [], []
    for job, seconds in zip(jobs, expected_seconds(study, jobs, speed, durations), strict=True):
        counted = work_of(study, job.rule, job.wildcards) or Work()
        device, core = (each / HOUR for each in seconds)
        numbers = (1, counted.tokens, float(counted.flops), device, core, counted.disk / GIGA)
        rows.append({"rule": job.rule, **dict(zip(COLUMNS, numbers, strict=True))})
        hours.append(device / (processes if job.rule == "pretrain_model" else 1) + core)
    rules = pd.DataFrame(rows).groupby("rule", sort=False)[COLUMNS].sum()
    path = [(jobs[number], hours[number]) for number in longest_path([job.needs for job in jobs], hours)]
    tasks = [Task(kind_of(job), HOUR * each, job.needs) for job, each in zip(jobs, hours, strict=True)]
    return Forecast(rules, path, _memory(study), tasks)


def longest_path(needs: Sequence[Sequence[int]], hours: Sequence[float]) -> list[int]:
    """The chain of jobs that takes longest, each waiting for the one before it.

    Args:
        needs: of each job, the numbers of those that it waits for.
    """
    total, before = [0.0] * len(hours), [-1] * len(hours)
    for job in TopologicalSorter(dict(enumerate(needs))).static_order():
        before[job] = max(needs[job], key=lambda needed: total[needed], default=-1)
        total[job] = hours[job] + (total[before[job]] if needs[job] else 0.0)
    path = [max(range(len(hours)), key=lambda job: total[job])]
    while before[path[-1]] >= 0:
        path.append(before[path[-1]])
    return path[::-1]


def _memory(study: Study) -> dict[str, int]:
    windows = study.windows(GENERIC, "train")
    sample = min(study.config["clusters"]["fit_passages"], study.passages(GENERIC, "train"))
    return {
        "fit_clusters": 4 * sample * study.config["embedder"]["dimensions"] * FLOAT,
        "sample_importance": DRAW_BYTES * max(study.config["pretrain"]["domain_budgets"]) // study.config["context"],
        "pretrain_model": ORDER * windows,
    }


def write_forecast(forecast: Forecast, speed: Speed, title: str, notes: Sequence[str]) -> str:
    """The forecast in words, about a screen of them; in minutes where hours would show nothing."""
    rules = forecast.rules.sort_values(["device_hours", "core_hours"], ascending=False)
    table = pd.concat([rules, rules.sum().to_frame("total").T])
    whole = sum(hours for _, hours in forecast.path)
    unit, scale = ("h", 1) if rules[["device_hours", "core_hours"]].to_numpy().sum() >= 2 else ("min", 60)
    heads = ["jobs", "tokens", "FLOPs", f"device {unit}", f"core {unit}", "disk GB"]
    lines = [title, "", f"{'rule':<18}" + "".join(f"{head:>11}" for head in heads)]
    for rule, row in table.iterrows():
        times = [f"{scale * row[key]:,.1f}" if row[key] else "-" for key in ("device_hours", "core_hours")]
        flops = f"{row['flops']:.1e}" if row["flops"] else "-"
        disk = f"{row['disk_gb']:,.2f}" if row["disk_gb"] else "-"
        cells = [str(int(row["jobs"])), _short(row["tokens"]), flops, *times, disk]
        lines.append(f"{rule:<18}" + "".join(f"{cell:>11}" for cell in cells))
    chain = [f"{job} {scale * hours:,.1f}" for job, hours in forecast.path if hours >= 0.01 * whole]
    held = ", ".join(f"{rule} {size / GIGA:,.1f} GB" for rule, size in forecast.memory.items())
    lines += [
        "",
        f"Longest path, which more devices do not shorten: {scale * whole:,.1f} {unit}",
        textwrap.fill(" -> ".join(chain), WIDTH, initial_indent="  ", subsequent_indent="  "),
        f"Memory at once, where it grows with the sample or the corpus: {held}",
        f"Speed {speed.source}",
        *(textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes),
    ]
    return "\n".join(lines) + "\n"


def _short(number: float) -> str:
    """1.2M for 1,200,000; "-" for nothing."""
    if not number:
        return "-"
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.0f}"
