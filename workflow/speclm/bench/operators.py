"""Where the time of our step goes: the operators of a training, by their own share of the processor's time.

operator                  share   calls_per_step  microseconds_per_step
aten::mm                  0.46    43              5210
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from speclm.bench.bench import Bench
from speclm.bench.contest import alone
from speclm.bench.training import Training, train_ours
from speclm.stage.files import write_table

WARM_UP_STEPS = 10
STEPS = 20


def write_profile(bench: Bench, path: Path) -> None:
    """Write profile.tsv of the SLM's step."""
    write_table(path, alone(partial(profile, bench.training("slm")), bench.profiled_environment))


def profile(training: Training) -> pd.DataFrame:
    """The operators of some steps, the dearest first."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    last = WARM_UP_STEPS + STEPS
    recorded, steps = profiler(activities=[ProfilerActivity.CPU]), iter(range(last + 1))

    def before_step() -> None:
        step = next(steps)
        if step == WARM_UP_STEPS:
            recorded.start()
        elif step == last:
            recorded.stop()

    train_ours(training, before_step, last + 1)
    rows = recorded.key_averages()
    total = sum(row.self_cpu_time_total for row in rows)
    frame = pd.DataFrame(
        {
            "operator": row.key,
            "share": row.self_cpu_time_total / total,
            "calls_per_step": row.count / STEPS,
            "microseconds_per_step": row.self_cpu_time_total / STEPS,
        }
        for row in rows
    )
    return frame.sort_values("share", ascending=False, ignore_index=True)
