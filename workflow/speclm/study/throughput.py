"""Table 2: what a token costs on the device, in pretraining, in specialization and in inference.

Measured seconds and counted tokens go in, hours of the device per 1G tokens come out, beside the paper's A100
GPU-hours. Devices differ, so what compares stands in brackets: the multiple of what the SLM costs.

    pretraining      seconds over tokens of a method's own pretraining, all experts of a mixture together, at the
                     largest budget; beside it the relative cost by which its budgets were divided
    specialization   seconds over tokens of its fine-tunings, a teacher's forward passes included; for SLM-is, which is
                     pretrained for one domain, of both together
    inference        tokens per second at full batch; beside it milliseconds per token generated at batch 1

Example: 600,000 tokens in 12 s are 20 microseconds per token, or 5.56 hours per 1G tokens.
"""

from __future__ import annotations

import pandas as pd

from speclm.study.layout import DASH, Table, count, number, with_interval
from speclm.study.plan import KEY, Method
from speclm.study.relative_cost import compare_costs, devices, in_words, seconds_a_token
from speclm.study.sources import Sources

PHASES = ["pretraining", "specialization", "inference"]
SERVING = ["ms_per_token", "ms_low", "ms_high", "bytes_weights", "bytes_text", "flops_per_token"]
_HOURS = 1e9 / 3600  # of 1G tokens, at one second per token


def throughput(sources: Sources) -> Table:
    """Table 2: a row for every method, and for those that only the paper has."""
    names = {"generic_training": "pretraining", "specialization_training": "specialization"}
    paper = sources.published("table_2_throughput").rename(columns=names).set_index("model")
    ours = _ours(sources)
    order = [*ours.index, *(model for model in paper.index if model not in ours.index)]
    e = sources.evidence
    costs = compare_costs(sources.models.relative_cost, e.metrics, sources.timings, e.plan)
    chosen = costs.set_index("label")["chosen"].reindex(order).rename("relative_cost")
    raw = _with_ratios(ours.reindex(order)).join(chosen).join(_with_ratios(paper.reindex(order)).add_prefix("paper_"))
    shown = pd.DataFrame(
        {
            **{phase: _cells(raw, phase) for phase in PHASES},
            "relative cost, set": [DASH if pd.isna(value) else f"{value:g}x" for value in raw["relative_cost"]],
            "ms per token": [with_interval(ms, low, high, 3) for ms, low, high in raw[SERVING[:3]].to_numpy()],
            "bytes": [DASH if pd.isna(value) else count(value) for value in raw["bytes_weights"]],
            "FLOPs per token": [DASH if pd.isna(value) else count(value) for value in raw["flops_per_token"]],
            **{f"paper: {phase}": _cells(raw, f"paper_{phase}") for phase in PHASES},
        },
        index=raw.index,
    )
    frames = (frame.rename_axis("model").reset_index() for frame in (raw, shown))
    return Table(2, f"{_caption(sources)} {in_words(costs, devices(sources.timings))}", *frames)


def _ours(sources: Sources) -> pd.DataFrame:
    """One row per method of the study, by label: `PHASES` in hours, and `SERVING`."""
    timed = sources.evidence.metrics.merge(sources.timings, on=KEY)
    plan = sources.evidence.plan
    methods, last = plan.measured, {method.name: plan.budgets_of(method.name)[-1] for method in plan.measured}
    timed = timed.loc[timed["budget"] == timed["method"].map(last)]
    pretraining = seconds_a_token(sources.evidence.metrics, sources.timings, plan)
    shared = {method.name: pretraining.get(method.name, float("nan")) for method in methods if method.generic}
    tuned = {method.name: _specialization(timed, method) for method in plan.methods}  # peers are not trained
    seconds = {m.label: tuple(of.get(m.name, float("nan")) for of in (shared, tuned)) for m in methods}
    training = _HOURS * pd.DataFrame.from_dict(seconds, orient="index", columns=PHASES[:2])
    serving = sources.serving.set_index("method").rename(index={method.name: method.label for method in methods})
    return training.join((_HOURS / serving["tokens_per_second"]).rename(PHASES[2])).join(serving[SERVING])


def _specialization(timed: pd.DataFrame, method: Method) -> float:
    """Seconds per token, with the default way of choosing the expert, which takes no training."""
    chosen = (timed["method"] == method.name) & (timed["selection"] == method.selections[0]) & (timed["size"] > 0)
    rows = timed.loc[chosen]
    tokens = rows["specialize_tokens"].sum() + (rows["pretrain_tokens"].sum() if method.name == "slm_is" else 0)
    return float(rows["seconds_specialize"].sum() / tokens) if len(rows) else float("nan")


def _with_ratios(hours: pd.DataFrame) -> pd.DataFrame:
    """Beside every phase's hours their multiples of the SLM's."""
    base = hours.loc["SLM", PHASES] if "SLM" in hours.index else float("nan")
    return hours.join((hours[PHASES] / base).add_suffix("_ratio"))


def _cells(raw: pd.DataFrame, phase: str) -> list[str]:
    cells = raw[[phase, f"{phase}_ratio"]].to_numpy()
    return [number(hours) if pd.isna(ratio) else f"{number(hours)} ({number(ratio)}x)" for hours, ratio in cells]


def _caption(sources: Sources) -> str:
    serving = sources.serving
    named = devices(pd.concat([sources.timings[["device"]], serving[["device"]]]))
    threads, precision, batch = (
        ", ".join(map(str, serving[key].unique())) for key in ("threads", "precision", "batch")
    )
    return (
        f"Hours per 1G tokens, in brackets as multiples of the SLM's: ours on {named} ({threads} thread(s), "
        f"{precision}), the paper's on an A100. Training from the seconds of the study itself, which ran beside other "
        f"trainings; inference alone on the machine, at batches of {batch} windows. Then milliseconds per token "
        "generated at batch 1 with the spread of the rounds, bytes of the weights, and FLOPs per token."
    )
