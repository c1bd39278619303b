"""The whole configuration, checked once before anything runs.

What comes in: the merged mapping, the schema, and the tables of methods, domains and data sets. What goes out:
nothing, or a `UserError` that names file, key and remedy:

    config/config.yaml: pretrain: unknown key "budgts": did you mean "budgets"?

The schema says what each key may hold; `_check_together` says what keys and tables must agree on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import reduce
from itertools import pairwise
from operator import getitem
from typing import Any

import jsonschema
import pandas as pd
import yaml

from speclm.stage.errors import UserError
from speclm.stage.recipes import check_variants, laid_over
from speclm.stage.settings import nearest

Config = Mapping[str, Any]
TYPES = {  # of JSON Schema, as a reader calls them
    "array": "a list, as [1, 2]",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "keys with values",
    "string": "text",
}


def check_config(config: Config, schema: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], where: str) -> None:
    """Refuse a configuration that the study cannot run with.

    Args:
        tables: "methods", "domains" and "datasets", each with the names in its first column.
        where: the configuration files, for the error.

    Raises:
        UserError: the first thing wrong, in the order of the schema.
    """
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(config), key=lambda e: list(map(str, e.path)))
    if errors:
        raise _explain(errors[0], where)
    for key, value in _numbers(config):  # a schema's bounds let inf and nan through
        if not math.isfinite(value):
            raise UserError(f"{value} is no finite number", where=where, key=key, remedy="give a number")
    for name, table in tables.items():
        _check_table(name, table)
    _check_together(config, tables, where)
    check_variants(config, tables["methods"], where)
    for variant in config["ablations"]:
        changed = {**laid_over(config, variant["change"]), "ablations": []}
        try:
            check_config(changed, schema, tables, f"{where}: ablations.{variant['name']}.change")
        except UserError as error:
            error.args = (f"{error}; or list the variants anew (ablations: [] leaves all out)",)
            raise


def read_texts(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Read, in place, as YAML what is text where the schema wants none: `--config seeds=[17,18]` comes as ["17", "18"],
    since Snakemake keeps everything within brackets as text. `check_config` refuses what is still wrong then.
    """
    for error in list(jsonschema.Draft202012Validator(schema).iter_errors(config)):
        if error.validator == "type" and isinstance(error.instance, str):
            *way, last = error.absolute_path
            with suppress(yaml.YAMLError):
                reduce(getitem, way, config)[last] = yaml.safe_load(error.instance)


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Every number with a point, and the key that it stands at: ("pretrain.clip", 1.0)."""
    if isinstance(value, float):
        yield key, value
    elif isinstance(value, Mapping | list):
        for part, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _numbers(inner, f"{key}.{part}".lstrip("."))


def _explain(error: jsonschema.ValidationError, where: str) -> UserError:
    """A `jsonschema` error in the words of this project."""
    key = ".".join(str(part) for part in error.absolute_path) or None
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties":
        known = schema["properties"]
        unknown = sorted(set(error.instance) - set(known))[0]
        message, remedy = f'unknown key "{unknown}"{nearest(unknown, known)}', f"the keys here are {', '.join(known)}"
    elif error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        message, remedy = f'key "{missing}" is missing', "see config/config.yaml for an example"
    else:
        remedy, message = f"needs {error.validator} {error.validator_value}", error.message
        if error.validator == "type":
            types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
            remedy = f"give {' or '.join(TYPES[name] for name in types)}"
    return UserError(message, where=where, key=key, remedy=remedy)


def _check_table(name: str, table: pd.DataFrame) -> None:
    column = table.columns[0]
    twice = sorted(table[column][table[column].duplicated()])
    if twice:
        raise UserError(
            f'"{twice[0]}" stands there twice',
            where=f"config/{name}.tsv",
            key=column,
            remedy="keep one of the two rows",
        )


def _check_together(config: Config, tables: Mapping[str, pd.DataFrame], where: str) -> None:
    def refuse(key: str, message: str, remedy: str) -> UserError:
        return UserError(message, where=where, key=key, remedy=remedy)

    methods = tables["methods"].set_index("method")
    datasets = tables["datasets"].iloc[:, 0].tolist()
    for key, table in (("methods", tables["methods"]), ("domains", tables["domains"])):
        known, chosen = table.iloc[:, 0].tolist(), config[key]
        for value in chosen:
            if value not in known:
                raise refuse(
                    key, f'"{value}" is no row of config/{key}.tsv{nearest(value, known)}', f"one of {', '.join(known)}"
                )
            if chosen.count(value) > 1:
                raise refuse(key, f'"{value}" is named twice', "name each once")
    needed = {
        row.dataset: f"domains.tsv: {row.domain}"
        for row in tables["domains"].itertuples()
        if row.domain in config["domains"]
    }
    for dataset, key in {**needed, config["documents"]["generic"]: "documents.generic"}.items():
        if dataset not in datasets:
            raise refuse(
                key, f'"{dataset}" is no row of config/datasets.tsv{nearest(dataset, datasets)}', "add the row"
            )
    for method in config["methods"]:
        for column in ("pretraining", "teacher"):
            other = methods.loc[method, column]
            if other not in ("-", method) and other not in config["methods"]:
                raise refuse(
                    "methods", f"{method} needs {other}, which is not among the methods", f"add {other} to the list"
                )
    for model, key in (("slm_mix", "experts"), ("slm_pn", "experts"), ("slm_is", "clusters")):
        if config["models"][model][key] not in config["clusters"]["k"]:
            count = config["models"][model][key]
            raise refuse(f"models.{model}.{key}", f"{count} is not in clusters.k", f"add {count} to clusters.k")
    for model in ("slm", "llm"):
        shape = config["models"][model]
        if shape["width"] % shape["heads"]:
            raise refuse(
                f"models.{model}.width", f"{shape['width']} is no multiple of heads", "choose a multiple of heads"
            )
    if config["models"]["slm_pn"]["projected_layers"] > config["models"]["slm"]["layers"]:
        raise refuse("models.slm_pn.projected_layers", "is more than the network's layers", "at most models.slm.layers")
    for section, key in (("pretrain", "budgets"), ("pretrain", "domain_budgets"), ("specialize", "sizes")):
        values = config[section][key]
        if any(a >= b for a, b in pairwise(values)):
            raise refuse(f"{section}.{key}", f"{values} is not ascending", "write each number once, smallest first")
    if config["specialize"]["batch"] % config["specialize"]["micro_batch"]:
        raise refuse("specialize.micro_batch", "does not divide batch", "choose a divisor of batch")
    engine = config["engine"]
    for method, batch in config["pretrain"]["batch"].items():
        micro = min(config["pretrain"]["micro_batch"], batch)
        if batch % micro:
            raise refuse(
                "pretrain.micro_batch", f"does not divide the batch of {method}, {batch}", "choose a divisor of it"
            )
        if batch % (engine["processes"] * micro):
            raise refuse(
                "engine.processes",
                f"{engine['processes']} processes do not divide {method}'s batch of {batch} into micro-batches",
                "choose processes and pretrain.micro_batch whose product divides every number of pretrain.batch",
            )
    if engine["shard"] and engine["processes"] == 1:
        raise refuse("engine.shard", "there is nothing to divide over", "use more processes, or false")
    if config["figures"] == {"cost": "flops", "paper": "overlaid"}:
        raise refuse("figures.paper", "the paper's costs are device hours, not FLOPs", "set figures.cost: device_hours")
    specialize, lora = config["specialize"], config["specialize"]["lora"]
    widest = max(config["models"][model]["width"] for model in ("slm", "llm"))
    if lora and lora["rank"] > widest:
        raise refuse("specialize.lora.rank", f"{lora['rank']} is more than any network's width", f"at most {widest}")
    taught, budgets = config["distill"]["teacher_budget"], config["pretrain"]["budgets"]
    if taught is not None and taught not in budgets:
        raise refuse(
            "distill.teacher_budget",
            f"{taught} is not among pretrain.budgets{nearest(str(taught), map(str, budgets))}",
            f"null, or one of {', '.join(map(str, budgets))}",
        )
    by_size = {f"max_steps.{family}": steps for family, steps in specialize["max_steps"].items()}
    for key, numbers in {**by_size, "evaluate_every": specialize["evaluate_every"]}.items():
        if len(numbers) != len(specialize["sizes"]):
            raise refuse(f"specialize.{key}", "has not one number for each size", "give as many as specialize.sizes")
    passage, context, sizes = config["embedder"]["passage"], config["context"], specialize["sizes"]
    if passage < context:
        raise refuse(
            "embedder.passage",
            f"a passage shorter than a window: {passage} tokens, and a window has {context}",
            f"take {context} or more",
        )
    if sizes[0] < passage:
        raise refuse(
            "specialize.sizes",
            f"{sizes[0]} tokens of a domain are fewer than one passage of {passage}",
            f"take sizes from {passage} on, or a shorter embedder.passage",
        )
    counted = config["models"]["slm_is"]["histogram_tokens"]
    if counted is not None and counted not in sizes:
        raise refuse(
            "models.slm_is.histogram_tokens",
            f"{counted} is not among specialize.sizes{nearest(str(counted), map(str, sizes))}",
            f"null (all training text of a domain), or one of {', '.join(map(str, sizes))}",
        )
    for size in specialize["best_finetuned_sizes"]:
        if size not in specialize["sizes"]:
            raise refuse(
                "specialize.best_finetuned_sizes", f"{size} is not among specialize.sizes", "choose among the sizes"
            )
