"""Recipes: the methods as the workflow runs them, each a row of config/methods.tsv or a variant of one.

In go the configuration and the table of methods; out come the recipes by name. A variant is its method under changed
settings (section "ablations"), and shares with it all that these do not touch: files of a recipe lie under the name of
the recipe that made them first.

    {name: slm_pn_k4, of: slm_pn, change: {models: {slm_pn: {experts: 4}}}}
        kind slm_pn, pretraining slm_pn_k4 (its own), clustering main, change {"models.slm_pn.experts": (8, 4)}
    {name: llm_lora, of: llm, change: {specialize: {lora: {rank: 8}}}}
        kind llm, pretraining llm (the study's own)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.settings import nearest

Config = Mapping[str, Any]
MAIN = "main"  # the study's own clustering
CLUSTERED = ("slm_mix", "slm_pn", "slm_is")
# What a variant may change: text, tokens and measuring are common to all that is compared.
SECTIONS = ("embedder", "clusters", "models", "pretrain", "specialize", "distill")


@dataclass(frozen=True)
class Recipe:
    """One method or variant.

    Attributes:
        kind: its method, a row of config/methods.tsv.
        config: the configuration that it follows.
        pretraining: the recipe whose checkpoints it starts from, "-" for none. teacher: likewise.
        clustering: the one that its pretraining and its choice of an expert are made with.
        change: dotted key -> (value in the study, value here); empty for a method.
    """

    name: str
    kind: str
    label: str
    config: Config
    pretraining: str
    teacher: str
    selections: tuple[str, ...]
    clustering: str
    change: Mapping[str, tuple[Any, Any]]

    @property
    def network(self) -> str:
        """What it serves: "llm" or "slm", as the sections "models" and "learning_rate" name them."""
        return "llm" if self.kind == "llm" else "slm"

    @property
    def family(self) -> str:
        """What is fine-tuned, as the section "specialize" names it: "llm", "slm_nopt", or "slm" for all others."""
        return self.kind if self.kind in ("llm", "slm_nopt") else "slm"

    @property
    def budgets(self) -> list[int]:
        """The points of its cost axis; none without pretraining."""
        if self.pretraining == "-":
            return []
        return budgets_of(self.config, self.kind)

    @property
    def pretrained(self) -> bool:
        """Whether it has a pretraining of its own."""
        return self.pretraining == self.name

    @property
    def generic(self) -> bool:
        """Whether its pretrained model serves generic text; an slm_is is made for one domain."""
        return self.pretrained and self.kind != "slm_is"

    @property
    def clusters(self) -> int:
        """Clusters that it is built on; 0 for none."""
        if self.kind not in CLUSTERED:
            return 0
        return int(self.config["models"][self.kind]["clusters" if self.kind == "slm_is" else "experts"])

    def record(self) -> dict[str, Any]:
        """What the study room is told of a variant."""
        facts = {"method": self.name, "of": self.kind, "label": self.label}
        change = {key: list(values) for key, values in self.change.items()}
        return {**facts, "change": change, "pretraining": self.pretraining, "teacher": self.teacher}


def make_recipes(config: Config, methods: pd.DataFrame) -> dict[str, Recipe]:
    """The study's methods in their order, then the variants of these; variants of other methods are left out.

    Raises:
        UserError: a variant that changes what its method takes from another's pretraining.
    """
    rows = {row["method"]: row for row in methods.to_dict("records")}
    recipes: dict[str, Recipe] = {}
    for name in config["methods"]:
        row = rows[name]
        selections = tuple(row["selections"].split(","))
        recipes[name] = Recipe(
            name, name, row["label"], config, row["pretraining"], row["teacher"], selections, MAIN, {}
        )
    clusterings = {MAIN: clustering_settings(config)}
    for variant in config["ablations"]:
        if variant["of"] not in config["methods"]:
            continue
        name, base = variant["name"], recipes[variant["of"]]
        changed = laid_over(config, variant["change"])
        settings = clustering_settings(changed)
        clustering = next((known for known, other in clusterings.items() if other == settings), name)
        if base.kind not in CLUSTERED:
            clustering = MAIN
        clusterings[clustering] = clusterings.get(clustering, settings)
        recipes[name] = Recipe(
            name,
            base.kind,
            variant["label"],
            changed,
            _pretraining(name, base, changed, settings != clusterings[MAIN]),
            base.teacher,
            base.selections[:1],
            clustering,
            {key: (old, new) for key, old, new in _differences(config, changed)},
        )
    return recipes


def clusterings_of(recipes: Mapping[str, Recipe]) -> dict[str, Config]:
    """Every clustering with the configuration it follows; the study's own first."""
    first = next(iter(recipes.values()))
    found = {MAIN: first.config}
    for recipe in recipes.values():
        found.setdefault(recipe.clustering, recipe.config)
    return found


def clustering_settings(config: Config) -> dict[str, Any]:
    """The slice of the configuration that decides where the clusters lie."""
    return {key: config[key] for key in ("embedder", "clusters")}


def pretraining_settings(config: Config, kind: str) -> dict[str, Any]:
    """The slice of the configuration that the pretraining of a method depends on, beside its windows and clusters."""
    section, models = dict(config["pretrain"]), config["models"]
    section["budgets"] = budgets_of(config, kind)
    del section["domain_budgets"]
    for key in ("relative_cost", "learning_rate", "warmup", "batch"):
        section[key] = section[key][kind]
    section["micro_batch"] = min(section["micro_batch"], section["batch"])
    clusters = models[kind]["experts"] if kind in ("slm_mix", "slm_pn") else None
    return {
        "kind": kind,
        "pretrain": section,
        "shape": models["llm" if kind == "llm" else "slm"],
        "projection": models["slm_pn"] if kind == "slm_pn" else None,
        "clusters": clusters,
    }


def budgets_of(config: Config, kind: str) -> list[int]:
    """The budgets of a method's pretraining: those of one domain alone for an slm_is."""
    return list(config["pretrain"]["domain_budgets" if kind == "slm_is" else "budgets"])


def laid_over(config: Config, change: Config) -> dict[str, Any]:
    """The configuration with the leaves of `change` in place of its own, as Snakemake lays one file over another."""
    return {
        **config,
        **{
            key: laid_over(config[key], value)
            if isinstance(value, Mapping) and isinstance(config.get(key), Mapping)
            else value
            for key, value in change.items()
        },
    }


def check_variants(config: Config, methods: pd.DataFrame, where: str) -> None:
    """Refuse variants that stand for nothing: what each makes of the configuration is checked by `check_config`.

    Raises:
        UserError: naming the variant.
    """
    known = methods["method"].tolist()
    names = [variant["name"] for variant in config["ablations"]]
    for name, variant in zip(names, config["ablations"], strict=True):
        key = f"ablations.{name}"
        if name in known or names.count(name) > 1:
            raise UserError("has a name that is taken", where=where, key=key, remedy="give each variant its own")
        if variant["of"] not in known:
            message = f'"{variant["of"]}" is no row of config/methods.tsv{nearest(variant["of"], known)}'
            raise UserError(message, where=where, key=f"{key}.of", remedy=f"one of {', '.join(known)}")
        for section in variant["change"]:
            if section not in SECTIONS:
                raise UserError(
                    f'"{section}" cannot differ between methods that are compared{nearest(section, SECTIONS)}',
                    where=where,
                    key=f"{key}.change",
                    remedy=f"change {', '.join(SECTIONS)}, or make it a preset of its own",
                )
        changed = laid_over(config, variant["change"])
        if not list(_differences(config, changed)):
            raise UserError("changes nothing", where=where, key=key, remedy="give values that differ from the study's")
        for section, leaf in (
            ("clusters", "k"),
            ("pretrain", "budgets"),
            ("pretrain", "domain_budgets"),
            ("specialize", "sizes"),
        ):
            if changed[section][leaf] != config[section][leaf]:
                raise UserError(
                    f"{section}.{leaf} is common to all methods",
                    where=where,
                    key=f"{key}.change.{section}.{leaf}",
                    remedy=f"add what is needed to the study's own {section}.{leaf}",
                )
    if config["methods"]:
        make_recipes(config, methods)


def _pretraining(name: str, base: Recipe, changed: Config, other_clusters: bool) -> str:
    """The recipe whose checkpoints a variant starts from: its own where it is pretrained otherwise than its method."""
    if base.pretraining == "-":
        return "-"
    kind = base.pretraining
    same = pretraining_settings(base.config, kind) == pretraining_settings(changed, kind)
    same = same and (kind not in CLUSTERED or not other_clusters)
    if kind == "slm_is":
        same = same and base.config["models"][kind] == changed["models"][kind]
    if same:
        return kind
    if kind != base.name:
        raise UserError(
            f"changes the pretraining of {kind}, from which {base.name} starts",
            key=f"ablations.{name}",
            remedy=f"make it a variant of {kind}, or change only what comes after the pretraining",
        )
    return name


def _differences(config: Config, changed: Config, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Dotted key, value here and value there of every leaf that differs."""
    for key in sorted({**config, **changed}):
        old, new = config.get(key), changed.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key}", old, new
