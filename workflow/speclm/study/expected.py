"""What a study's numbers should be, from several whole runs that differ in the seed alone.

In: the quantities of the runs: macro perplexity of every method, size and budget, generic perplexity, and facts that no
seed changes (documents, parameters, pretraining steps and FLOPs). Out: for each the expected number, and the range that
one more run stays in. For a perplexity that is its prediction interval: with mean m and standard deviation s of the
logarithms over n runs

    exp(m +- t(n - 1) x s x sqrt(1 + 1 / n)):   100, 102 and 104 at 95 % -> exp(m) 102.0, s 0.0196, 92.5 to 112.5

One run says nothing of its spread: its intervals have no ends, and only facts and digits can be compared. By chance one
in twenty quantities lies outside such a range (`usual_low`, `usual_high`). `low` and `high` are therefore
at Bonferroni's level: in 95 % of runs all quantities are inside, however they depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from speclm.stage.errors import UserError
from speclm.study.metrics import check_metrics
from speclm.study.plan import GENERIC, KEY, Plan, expected_measurements

QUANTITY = ["quantity", "method", "corpus", "size", "budget"]
PERPLEXITY = "perplexity"
MACRO = "macro"
LEVEL = 0.95
NOTHING = "-"
# Its FLOPs hold those of evaluating the experts that meet in a batch, which the order of windows decides: on the laptop
# they differ by some millionths from seed to seed.
_NOT_FACTS = {("flops", "slm_pn")}
# Facts that no seed changes, each with the columns that it belongs to.
_FACTS = {
    ("corpus",): ["documents", "tokens", "bytes"],
    ("method",): ["parameters_pretrain", "parameters_serve", "flops_serve_per_token"],
    ("method", "budget"): ["pretrain_tokens", "steps", "flops"],  # before fine-tuning
}


def measure(metrics: pd.DataFrame, plan: Plan, where: str | Path) -> pd.DataFrame:
    """The quantities of a run: `QUANTITY`, and one column per seed, such as seed17.

    Args:
        metrics: metrics.tsv. where: its path, for errors.

    Raises:
        UserError: a measurement of the plan is missing or stands twice; a fact is not one number.
    """
    check_metrics(metrics, plan, where)
    default = {method.name: method.selections[0] for method in plan.methods}
    own = [name for name in expected_measurements(plan) if name.method in default]  # no peers: no seed changes them
    names = [name for name in own if name.selection in ("none", default[name.method])]
    rows = pd.DataFrame(names, columns=KEY).merge(metrics, on=KEY).rename(columns={"domain": "corpus"})
    macro = rows["corpus"].where(rows["corpus"] == GENERIC, MACRO)
    logs = rows.assign(corpus=macro).groupby([*QUANTITY[1:], "seed"])["nll"].mean().unstack("seed")
    perplexities = logs.apply(np.exp).add_prefix("seed").reset_index().assign(quantity=PERPLEXITY)
    facts = [_facts(rows if "budget" not in of else rows[rows["size"] == 0], of, where) for of in _FACTS]
    exact = pd.concat(facts).reset_index(drop=True)
    for seed in plan.seeds:
        exact[f"seed{seed}"] = exact["value"]
    return pd.concat([exact, perplexities], ignore_index=True)[[*QUANTITY, *seeds_of(perplexities)]]


def seeds_of(values: pd.DataFrame) -> list[str]:
    """The columns that hold one run's numbers."""
    return [column for column in values.columns if column.startswith("seed")]


def expect(values: pd.DataFrame) -> pd.DataFrame:
    """`QUANTITY`, expected, low, high, usual_low, usual_high.

    Args:
        values: `QUANTITY`, and one column for each seed.

    Raises:
        UserError: a fact differs between seeds.
    """
    numbers_QS = values[seeds_of(values)].to_numpy(float)
    runs = numbers_QS.shape[1]
    random = (values["quantity"] == PERPLEXITY).to_numpy()
    for row, numbers_S in zip(values[~random].itertuples(), numbers_QS[~random], strict=True):
        if len(set(numbers_S)) > 1:
            raise _not_one(str(row.quantity), (row.method, row.corpus, row.budget), numbers_S, "the runs")
    logs_QS = np.log(numbers_QS[random])
    center_Q = logs_QS.mean(axis=1)
    spread_Q = logs_QS.std(axis=1, ddof=1) * np.sqrt(1 + 1 / runs) if runs > 1 else np.ones(len(logs_QS))
    expected = values[QUANTITY].assign(expected=numbers_QS[:, 0])
    expected.loc[random, "expected"] = np.exp(center_Q)
    for name, factor in (("", factor_of(runs, int(random.sum()))), ("usual_", factor_of(runs, 1))):
        for side, sign in (("low", -1), ("high", 1)):
            expected[name + side] = expected["expected"]
            expected.loc[random, name + side] = np.exp(center_Q + sign * factor * spread_Q)
    return expected


def factor_of(runs: int, quantities: int) -> float:
    """Student's t of a two-sided interval that misses with (1 - `LEVEL`) / quantities: Bonferroni's inequality."""
    if runs == 1:
        return float("inf")
    return float(stats.t.isf((1 - LEVEL) / quantities / 2, df=runs - 1))


def compare(expected: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """`expected` with the columns measured, within, usual (within the quantity's own range) and same.

    Args:
        expected: of `expect`, also with the columns of the seeds it was made from.
        measured: `QUANTITY`, and one column per seed; of several seeds the geometric mean is compared. Where there is
            one, and it is among the expected ones, `same` says whether it gave the same number there.

    Raises:
        UserError: the two have not the same quantities.
    """
    seeds = seeds_of(measured)
    numbers = measured[seeds].astype(float)
    value = numbers[seeds[0]]
    if len(seeds) > 1:
        value = numbers.apply(np.log).mean(axis=1).apply(np.exp).where(measured["quantity"] == PERPLEXITY, value)
    measured = measured[QUANTITY].assign(measured=value)
    everything = expected.merge(measured, on=QUANTITY, how="outer", indicator="side")
    alone = everything[everything["side"] != "both"]
    if len(alone):
        row = alone.iloc[0]
        words = " ".join(str(row[column]) for column in QUANTITY)
        raise UserError(
            f"{words} is {'expected but not measured' if row['side'] == 'left_only' else 'measured but not expected'}",
            remedy="make the expected numbers again from runs of the study as it is now",
        )
    found = expected.merge(measured, on=QUANTITY)
    known = len(seeds) == 1 and seeds[0] in found.columns
    return found.assign(
        within=found["measured"].between(found["low"], found["high"]),
        usual=found["measured"].between(found["usual_low"], found["usual_high"]),
        same=np.isclose(found["measured"], found[seeds[0]], rtol=1e-7, atol=0) if known else False,
    )


def leave_one_out(values: pd.DataFrame) -> pd.DataFrame:
    """For each seed, its run beside what the others let expect: seed, outside, unusual (numbers of perplexities)."""
    values = values[values["quantity"] == PERPLEXITY]
    rows = []
    for seed in seeds_of(values) if len(seeds_of(values)) > 1 else ():
        found = compare(expect(values.drop(columns=seed)), values[[*QUANTITY, seed]])
        rows.append({"seed": seed, "outside": int((~found["within"]).sum()), "unusual": int((~found["usual"]).sum())})
    return pd.DataFrame(rows)


def _facts(rows: pd.DataFrame, of: tuple[str, ...], where: str | Path) -> pd.DataFrame:
    """The facts that belong to `of`: `QUANTITY`, value."""
    found = []
    for name in _FACTS[of]:
        for key, numbers in rows.groupby(list(of))[name]:
            if (name, key[0]) in _NOT_FACTS:
                continue
            if numbers.nunique() > 1:
                raise _not_one(name, key, numbers.unique(), where)
            place = {"method": NOTHING, "corpus": NOTHING, "size": 0, "budget": 0, **dict(zip(of, key, strict=True))}
            found.append({"quantity": name, **place, "value": numbers.iloc[0]})
    return pd.DataFrame(found)


def _not_one(quantity: str, of: Iterable[object], numbers: Iterable[float], where: str | Path) -> UserError:
    name = " ".join([quantity, "of", *(str(part) for part in of if part not in (NOTHING, 0))])
    found = " and ".join(f"{number:.15g}" for number in numbers)
    return UserError(
        f"{name} is {found}: no seed changes it",
        where=where,
        remedy="take runs of one study, all made by the same code",
    )
