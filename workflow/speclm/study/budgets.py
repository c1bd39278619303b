"""The budgets that a practitioner states, and the methods that keep to them.

In: limits in words; the parameters and the latency that a study measured. Out: the methods that fit, and why the others
do not.

    latency 0.5 ms; LLM 0.70, SLM and SLM-pn 0.38:   SLM and SLM-pn fit, LLM is out with "0.7 ms per token"

Latency is that of the served network, whatever method trained it: the median over the methods that serve it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.study.evidence import Evidence


@dataclass(frozen=True)
class Limits:
    """Budgets.

    Attributes:
        latency: milliseconds per token generated. parameters: of the served model. None: any.
        specialization: the pretraining budget of an SLM-is that this domain may cost; 0: fine-tuning alone.
        pretraining: the generic pretraining that is paid for.
    """

    latency: float | None
    parameters: int | None
    specialization: int
    pretraining: int


def read_limits(given: Mapping[str, Any], budgets: Sequence[int], domain_budgets: Sequence[int]) -> Limits:
    """The limits as the user said them; left out: any model, fine-tuning alone, the largest pretraining.

    Raises:
        UserError: no number, none that is finite, or a budget that the study does not have.
    """

    def number(key: str) -> float | None:
        try:
            value = float(given[key]) if key in given else None
        except (TypeError, ValueError):
            value = -1.0
        if value is not None and not 0 <= value < math.inf:  # neither is not-a-number
            raise UserError(f"{given[key]!r} is no number above 0", where="own domain", key=key, remedy=f"{key}=2, say")
        return value

    pretraining, specialization = int(number("pretraining") or budgets[-1]), int(number("specialization") or 0)
    for key, value, allowed in (
        ("pretraining", pretraining, budgets),
        ("specialization", specialization, [0, *domain_budgets]),
    ):
        if value not in allowed:
            message = f"there is no pretraining of {value} tokens"
            raise UserError(message, where="own domain", key=key, remedy=f"one of {', '.join(map(str, allowed))}")
    parameters = number("parameters")
    return Limits(number("latency"), None if parameters is None else int(parameters), specialization, pretraining)


def served_models(e: Evidence, serving: pd.DataFrame) -> pd.DataFrame:
    """Parameters and milliseconds per token by method."""
    table = e.ledger.groupby("method")[["parameters_serve"]].max().rename(columns={"parameters_serve": "parameters"})
    table["ms"] = serving.set_index("method")["ms_per_token"]
    table["ms"] = table.groupby("parameters")["ms"].transform("median")
    return table


def fitting_methods(e: Evidence, served: pd.DataFrame, limits: Limits) -> tuple[list[str], dict[str, str]]:
    """The methods that the limits allow, and why not the others.

    Raises:
        UserError: none does.
    """
    excluded: dict[str, str] = {}
    for method in e.plan.methods:
        if method.name not in served.index:
            excluded[method.name] = "not measured"
            continue
        row = served.loc[method.name]
        if limits.latency is not None and not row["ms"] <= limits.latency:
            excluded[method.name] = f"{row['ms']:.3g} ms per token"
        elif limits.parameters is not None and row["parameters"] > limits.parameters:
            excluded[method.name] = f"{row['parameters']:,.0f} parameters"
        elif method.of == "slm_is" and not limits.specialization:
            excluded[method.name] = "a pretraining for this domain"
    names = [method.name for method in e.plan.methods if method.name not in excluded]
    if not names:
        raise _none_fits(limits, served["ms"].min(), served["parameters"].min())
    return names, excluded


def check_reachable(limits: Limits, serving: pd.DataFrame) -> None:
    """Refuse limits that not even the fastest or the smallest model of serving.tsv meets, before anything is made.

    Raises:
        UserError: such limits.
    """
    fastest, smallest = serving["ms_per_token"].min(), serving["parameters"].min()
    slow = limits.latency is not None and limits.latency < fastest
    if slow or (limits.parameters is not None and limits.parameters < smallest):
        raise _none_fits(limits, fastest, smallest)


def _none_fits(limits: Limits, fastest: float, smallest: float) -> UserError:
    return UserError(
        f"no model meets the limits: the fastest takes {fastest:.3g} ms per token, the smallest has "
        f"{smallest:,.0f} parameters",
        where="own domain",
        key="latency" if limits.latency is not None and not fastest <= limits.latency else "parameters",
        remedy="allow more, or study smaller models (models.slm in a preset of its own)",
    )
