"""What the study measures: its methods, and the list of measurements that a complete run holds.

One measurement is one model evaluated on one split; its name is the seven columns of `KEY`. The plan is what the
config asks for, so that a gap in the results is seen, not drawn over. With two domains, sizes (10, 80) and budgets
(100, 200), the method slm stands for 2 generic measurements and 2 x 2 x 3 on the domains (size 0: before fine-tuning).

An ablation is a variant of a method, measured as a method of its own: slm_is_k16 is slm_is with 16 clusters, not 64.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from speclm.study.peers import PEERS

GENERIC = "generic"


class Measurement(NamedTuple):
    """The name of one row of metrics.tsv."""

    method: str
    selection: str
    domain: str
    size: int
    budget: int
    seed: int
    split: str

    def __str__(self) -> str:
        selection = "" if self.selection == "none" else f" ({self.selection})"
        return f"{self.method}{selection} on {self.domain} {self.split}, n{self.size}, b{self.budget}, seed{self.seed}"


KEY = list(Measurement._fields)


@dataclass(frozen=True)
class Method:
    """One row of config/methods.tsv, or a variant of one, as far as measuring it goes.

    `selections`: the ways of choosing its expert, the default first. `budgeted`: it was pretrained. `generic`: its
    pretrained model serves the generic text. `before`: it can be measured before fine-tuning. `of`: the method that it
    is a variant of, or its own name. `change`: of a variant, what differs: value in the study and in the variant by
    key, {"models.slm_is.clusters": (64, 16)}.
    """

    name: str
    label: str
    selections: tuple[str, ...]
    budgeted: bool
    generic: bool
    before: bool
    of: str
    change: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What the config asks for.

    `sizes`: domain training tokens, ascending, without 0. `budgets`: nominal pretraining costs, ascending.
    `domain_budgets`: those of what is pretrained for one domain alone (SLM-is).
    `best_finetuned_sizes`: sizes for which every expert is fine-tuned. Other ways than the default
    are compared at the largest budget only. `peers`: what is measured beside the methods (peers.py).
    """

    methods: tuple[Method, ...]
    domains: tuple[str, ...]
    sizes: tuple[int, ...]
    budgets: tuple[int, ...]
    domain_budgets: tuple[int, ...]
    seeds: tuple[int, ...]
    best_finetuned_sizes: tuple[int, ...]
    peers: tuple[Method, ...] = ()

    @property
    def measured(self) -> tuple[Method, ...]:
        """The methods, then the peers."""
        return (*self.methods, *self.peers)

    def budgets_of(self, name: str) -> tuple[int, ...]:
        """The points of a method's cost axis, ascending; of one without pretraining, 0 alone."""
        method = self.method(name)
        if not method.budgeted:
            return (0,)
        return self.domain_budgets if method.of == "slm_is" else self.budgets

    def method(self, name: str) -> Method:
        """The method called `name`; one that this study does not have is a pretrained one without choices."""
        unknown = Method(name, name, ("none",), budgeted=True, generic=False, before=False, of=name)
        return next((method for method in self.measured if method.name == name), unknown)


def make_plan(study: Mapping[str, Any], methods: pd.DataFrame) -> Plan:
    """The plan of a config's study: methods, domains, sizes, budgets, domain_budgets, seeds,
    best_finetuned_sizes; variants.

    Args:
        study: `variants`, if any: method (its own name), of, label, change (value in the study and in the variant by
            dotted key), pretraining, teacher. `peers`, if any: their names.
        methods: config/methods.tsv.
    """
    keys = ("domains", "sizes", "budgets", "domain_budgets", "seeds", "best_finetuned_sizes")
    lists = {key: tuple(study[key]) for key in keys}
    chosen = choose_methods(methods, study["methods"], study.get("variants", ()))
    return Plan(methods=chosen, peers=tuple(map(_peer, study.get("peers", ()))), **lists)


def choose_methods(
    table: pd.DataFrame, names: Iterable[str], variants: Sequence[Mapping[str, Any]] = ()
) -> tuple[Method, ...]:
    """The named rows of config/methods.tsv in the order of `names`, then the variants."""
    rows = with_variants(table, variants).set_index("method")
    methods = []
    for name in [*names, *(variant["method"] for variant in variants)]:
        row = rows.loc[name]
        own = bool(row["pretraining"] == name)  # slm_d and slm_nopt have no pretrained model of their own
        methods.append(
            Method(
                name,
                label=str(row["label"]),
                selections=tuple(str(row["selections"]).split(",")),
                budgeted=bool(row["pretraining"] != "-"),
                generic=own and row["of"] != "slm_is",  # slm_is pretrains for one domain
                before=own,
                of=str(row["of"]),
                change={key: (before, after) for key, (before, after) in row["change"].items()},
            )
        )
    return tuple(methods)


def _peer(name: str) -> Method:
    label, generic, _ = PEERS[name]
    return Method(name, label, ("none",), budgeted=False, generic=generic, before=generic, of=name)


def with_variants(table: pd.DataFrame, variants: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """config/methods.tsv with the columns of and change, and a row for each variant, measured with its base's default
    way of choosing the expert.
    """
    default = table.set_index("method")["selections"].str.split(",").str[0]
    table = table.assign(of=table["method"], change=pd.Series([{}] * len(table), index=table.index, dtype=object))
    more = [{**variant, "selections": default[variant["of"]]} for variant in variants]
    return pd.concat([table, pd.DataFrame(more)], ignore_index=True) if more else table


def expected_measurements(plan: Plan) -> list[Measurement]:
    """Every measurement of a complete run, sorted: heldout for the generic text, test for the domains."""
    return sorted(row for method in plan.measured for seed in plan.seeds for row in _of_method(plan, method, seed))


def missing_measurements(metrics: pd.DataFrame, plan: Plan) -> list[Measurement]:
    """The expected measurements that `metrics` lacks, sorted."""
    present = set(metrics[KEY].itertuples(index=False, name=None))
    return [measurement for measurement in expected_measurements(plan) if tuple(measurement) not in present]


def name_measurements(measurements: list[Measurement], most: int) -> str:
    """The first `most` of them in words, and how many more."""
    shown = "; ".join(str(measurement) for measurement in measurements[:most])
    return shown + (f"; and {len(measurements) - most} more" if len(measurements) > most else "")


def _of_method(plan: Plan, method: Method, seed: int) -> Iterator[Measurement]:
    default, *others = method.selections
    budgets = plan.budgets_of(method.name)
    for budget in budgets:
        if method.generic:
            yield Measurement(method.name, "none", GENERIC, 0, budget, seed, "heldout")
        for domain in plan.domains:
            if method.before:
                yield Measurement(method.name, default, domain, 0, budget, seed, "test")
            for size in plan.sizes:
                yield Measurement(method.name, default, domain, size, budget, seed, "test")
                for other in others:
                    if budget == budgets[-1] and (other != "best_finetuned" or size in plan.best_finetuned_sizes):
                        yield Measurement(method.name, other, domain, size, budget, seed, "test")
