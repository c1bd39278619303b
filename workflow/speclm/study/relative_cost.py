"""What a token of each method costs against the SLM's: as the study supposes, and as its own machine took.

A budget is the device time of so many tokens of the SLM, and a method sees its budget over its relative cost, so that
equal budgets are equal device time. The relative cost is a setting, measured before the study (`python -m speclm.bench
relative_cost`): the same configuration gives the same bytes everywhere. Here it stands beside what this run took; where
they differ by more than `TOLERANCE` it is told, and nothing is corrected.

    SLM 20 s for 1M tokens, SLM-pn 18 s for 600k: 30 over 20 microseconds, 1.5; set to 1.16: 29 % above, told
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from speclm.stage.files import write_text
from speclm.study.plan import GENERIC, KEY, Plan

TOLERANCE = 0.15
WIDTH = 100  # of a line of text


def seconds_a_token(metrics: pd.DataFrame, timings: pd.DataFrame, plan: Plan) -> dict[str, float]:
    """Of each method's own pretraining at its largest budget, all experts of a mixture and all seeds together.

    What is pretrained for each domain alone is timed with it; methods without a pretraining are left out.

    Args:
        metrics, timings: metrics.tsv and timings.tsv.
    """
    timed = metrics.merge(timings, on=KEY)
    found = {}
    for method in plan.methods:
        rows = timed.loc[(timed["method"] == method.name) & (timed["budget"] == plan.budgets_of(method.name)[-1])]
        alone = method.of == "slm_is"
        # before fine-tuning, what is specialisation for a domain is pretraining alone
        rows = rows.loc[(rows["size"] == 0) & ((rows["domain"] != GENERIC) if alone else (rows["domain"] == GENERIC))]
        seconds = rows["seconds_specialize" if alone else "seconds_generic"].sum()
        if method.before and seconds > 0:
            found[method.name] = float(seconds / rows["pretrain_tokens"].sum())
    return found


def compare_costs(
    chosen: Mapping[str, float], metrics: pd.DataFrame, timings: pd.DataFrame, plan: Plan
) -> pd.DataFrame:
    """A row for each method of `chosen` whose pretraining was timed, by name: label, chosen, measured.

    Args:
        chosen: the setting `pretrain.relative_cost`.
    """
    seconds = seconds_a_token(metrics, timings, plan)
    rows = {
        name: (plan.method(name).label, chosen[name], seconds[name] / seconds.get("slm", float("nan")))
        for name in chosen
        if name in seconds
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["label", "chosen", "measured"]).dropna()


def write_words(
    chosen: Mapping[str, float], metrics: pd.DataFrame, timings: pd.DataFrame, plan: Plan, output: Path
) -> None:
    """Write what the run says of its machine, in lines as of the closing summary."""
    words = in_words(compare_costs(chosen, metrics, timings, plan), devices(timings))
    write_text(output, textwrap.fill(words, WIDTH) + "\n")


def devices(table: pd.DataFrame) -> str:
    """Those of timings.tsv, or of another table that names them."""
    return " and ".join(sorted(set(table["device"])))


def in_words(costs: pd.DataFrame, device: str) -> str:
    """What a run says of its machine.

    Args:
        costs: of `compare_costs`.
    """
    if costs.empty:
        return "The SLM's pretraining was not timed: relative costs are as set (pretrain.relative_cost)."
    rows = list(costs[["label", "chosen", "measured"]].itertuples(index=False, name=None))
    listed = [f"{label} {measured:.2f}" for label, _, measured in rows]
    apart = [
        f"{label} {measured:.2f}, set to {chosen:g} ({measured / chosen - 1:+.0%})"
        for label, chosen, measured in rows
        if abs(measured / chosen - 1) > TOLERANCE
    ]
    told = f"Device time of a token against the SLM's, in this run's pretraining on {device}: {', '.join(listed)}. "
    if not apart:
        return f"{told}Within {TOLERANCE:.0%} of what is set (pretrain.relative_cost)."
    return (
        f"{told}More than {TOLERANCE:.0%} from what is set (pretrain.relative_cost): {'; '.join(apart)}. "
        "On this machine equal budgets are not equal device time; told, not corrected."
    )
