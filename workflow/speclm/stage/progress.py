"""How far a run is and how long it will still take, told once in a while on the terminal.

Every job weighs what it took on the reference machine (config/reference/durations.tsv, in seconds). The time left is
the weight that remains over the speed so far; at the start, before there is a speed, the reference machine's speed
counts as if it had been observed for a minute.

    [ 4:10]  38 of 92 jobs, 41 % of the work, about 6 min left
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

PRIOR_SECONDS = 60.0


def weights(jobs: Sequence[tuple[str, str]], durations: pd.DataFrame) -> list[float]:
    """Reference seconds of each job, given as (rule, method or "-"); an unknown job weighs what its rule's jobs do.

    Args:
        durations: columns rule, method, seconds.
    """
    exact = durations.groupby(["rule", "method"])["seconds"].mean().to_dict()
    by_rule = durations.groupby("rule")["seconds"].mean().to_dict()
    return [float(exact.get(job, by_rule.get(job[0], 1.0))) for job in jobs]


def time_left(remaining: float, done: float, elapsed: float, cores: int) -> float:
    """Seconds left for `remaining` reference seconds of work when `done` took `elapsed` seconds."""
    speed = (done + PRIOR_SECONDS * cores) / (elapsed + PRIOR_SECONDS)
    return remaining / speed


def collect_durations(run: Path, methods: Sequence[str]) -> pd.DataFrame:
    """Mean seconds of every rule and method of a finished run, from its benchmark files: run, rule, method, seconds."""
    rows = []
    for path in sorted((run / "benchmarks").rglob("*.tsv")):
        rule, *rest = path.relative_to(run / "benchmarks").with_suffix("").parts
        method = next((part for part in rest if part in methods), "-")
        rows.append((run.name, rule, method, float(pd.read_csv(path, sep="\t")["s"].iloc[0])))
    frame = pd.DataFrame(rows, columns=["run", "rule", "method", "seconds"])
    means = frame.groupby(["run", "rule", "method"])["seconds"].mean().round(1)
    return means.reset_index()


def line(finished: Sequence[bool], weight: Sequence[float], elapsed: float, cores: int) -> str:
    """One line that says how far the run is."""
    done = sum(w for w, is_done in zip(weight, finished, strict=True) if is_done)
    total = sum(weight)
    left = time_left(total - done, done, elapsed, cores)
    about = f"about {round(left / 60)} min" if left >= 90 else f"about {max(5, round(left / 5) * 5)} s"
    clock = f"{int(elapsed) // 60:2d}:{int(elapsed) % 60:02d}"
    return f"[{clock}]  {sum(finished)} of {len(weight)} jobs, {100 * done / total:.0f} % of the work, {about} left"


def watch(finished: Callable[[], list[bool]], weight: Sequence[float], cores: int, every: float) -> threading.Thread:
    """Print a line every `every` seconds from a thread that ends with the process."""
    started = time.monotonic()

    def tell() -> None:
        while True:
            state = finished()
            if all(state):
                return
            print(line(state, weight, time.monotonic() - started, cores), file=sys.stderr, flush=True)
            time.sleep(every)

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    return thread
