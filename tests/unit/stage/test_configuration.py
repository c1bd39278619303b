"""The shipped configuration is good, and each mistake a user can make in it is refused by name."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from speclm.stage.configuration import check_config, read_texts
from speclm.stage.errors import UserError
from speclm.stage.files import read_table

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
LAPTOP = yaml.safe_load((ROOT / "config/config.yaml").read_text())
TABLES = {name: read_table(ROOT / f"config/{name}.tsv") for name in ("methods", "domains", "datasets")}


def changed(path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(LAPTOP)
    *way, last = path.split(".")
    target = config
    for key in way:
        target = target[key]
    target[last] = value
    return config


def test_the_laptop_configuration_is_good() -> None:
    check_config(LAPTOP, SCHEMA, TABLES, "config/config.yaml")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("sead", 3, 'unknown key "sead": did you mean "seeds"'),
        ("pretrain.budgts", [1], 'pretrain: unknown key "budgts": did you mean "budgets"'),
        ("pretrain.clip", float("nan"), r"pretrain\.clip: nan is no finite number"),
        ("pretrain.warmup.slm", float("inf"), r"pretrain\.warmup\.slm: inf is no finite number"),
        ("pretrain.betas", [0.9, float("nan")], r"pretrain\.betas\.1: nan is no finite number"),
        ("context", "128", "context: '128' is not of type 'integer'"),
        ("pretrain.budgets", [0, 10], r"pretrain\.budgets\.0: 0 is less than the minimum of 1"),
        ("pretrain.budgets", [-5], r"pretrain\.budgets\.0: -5 is less"),
        ("pretrain.budgets", [20, 10], r"pretrain\.budgets: \[20, 10\] is not ascending"),
        ("domains", ["sympy", "sympy"], 'domains: "sympy" is named twice'),
        ("domains", ["simpy"], r'"simpy" is no row of config/domains\.tsv: did you mean "sympy"'),
        ("methods", ["slm", "slm_d"], "slm_d needs llm.*\nRemedy: add llm"),
        ("methods", ["slm_d", "llm"], "slm_d needs slm,"),
        ("methods", ["slm_max"], 'did you mean "slm_mix"'),
        ("models.slm_mix.experts", 7, r"models\.slm_mix\.experts: 7 is not in clusters\.k"),
        ("models.slm.heads", 7, r"models\.slm\.width: 32 is no multiple of heads"),
        ("models.slm_pn.projected_layers", 99, "more than the network's layers"),
        ("pretrain.micro_batch", 7, r"pretrain\.micro_batch: does not divide the batch of slm, 32"),
        ("specialize.max_steps.slm", [5], "not one number for each size"),
        ("specialize.best_finetuned_sizes", [5], r"5 is not among specialize\.sizes"),
        ("embedder.passage", LAPTOP["context"] - 1, r"embedder\.passage: a passage shorter than a window"),
        ("embedder.passage", 10**6, r"specialize\.sizes: \d+ tokens of a domain are fewer than one passage of 1000000"),
        ("models.slm_is.histogram_tokens", 7, r"histogram_tokens: 7 is not among specialize\.sizes.*\nRemedy: null"),
        (
            "specialize.lora",
            {"rank": 89, "alpha": 1},
            r"specialize\.lora\.rank: 89 is more than any .*\nRemedy: at most 88",
        ),
        ("specialize.lora", {"rank": 4}, r'specialize\.lora: key "alpha" is missing'),
        (
            "specialize.lora",
            {"rank": 4, "alpha": 0},
            r"specialize\.lora\.alpha: 0 is less than or equal to the minimum",
        ),
        ("specialize.lora", 4, r"specialize\.lora: 4 is not of type 'object', 'null'"),
        (
            "distill.teacher_budget",
            500000,
            r'500000 is not among pretrain\.budgets: did you mean "5000000"\?\nRemedy: null, or',
        ),
        ("documents.generic", "c5", r'"c5" is no row of config/datasets\.tsv'),
        ("engine.device", "gpu", r"engine\.device: 'gpu' is not one of"),
        ("engine.processes", 3, r"engine\.processes: 3 processes do not divide slm's batch of 32"),
        ("engine.shard", True, r"engine\.shard: there is nothing to divide over"),
        ("figures.paper", "overlaid", r"figures\.paper: the paper's costs are device hours"),
        ("figures.cost", "hours", r"figures\.cost: 'hours' is not one of"),
        ("engine.precision", "float16", r"engine\.precision: 'float16' is not one of"),
    ],
)
def test_a_mistake_is_named_with_file_and_remedy(path: str, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as refusal:
        check_config(changed(path, value), SCHEMA, TABLES, "config/config.yaml")
    assert str(refusal.value).startswith("config/config.yaml: ")
    assert "\nRemedy: " in str(refusal.value)


def test_a_row_that_stands_twice_is_refused() -> None:
    tables = {**TABLES, "domains": TABLES["domains"].iloc[[0, 1, 0]]}
    with pytest.raises(UserError, match=r'config/domains\.tsv: domain: "sympy" stands there twice'):
        check_config(LAPTOP, SCHEMA, tables, "config/config.yaml")


def test_every_key_is_described() -> None:
    def leaves(schema: dict[str, Any], path: str) -> list[str]:
        if "$ref" in schema:
            schema = {**SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], **schema}
        missing = [] if schema.get("description") else [path]
        return missing + [m for key, sub in schema.get("properties", {}).items() for m in leaves(sub, f"{path}.{key}")]

    assert leaves(SCHEMA, "config") == []


def test_every_hyper_parameter_has_an_origin() -> None:
    origins = read_table(ROOT / "config/origins.tsv")
    assert set(origins["origin"]) == {"paper", "derived", "assumed"}
    known = origins["key"].tolist()

    def leaves(value: Any, path: str) -> list[str]:
        if isinstance(value, dict) and path not in known:
            return [leaf for key, item in value.items() for leaf in leaves(item, f"{path}.{key}" if path else key)]
        return [path]

    assert sorted(leaves(LAPTOP, "")) == sorted(known)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("seeds", ["17", "18"], [17, 18]),
        ("context", "64", 64),
        ("engine.threads", "2", 2),
        ("engine.compile", "true", True),
        ("documents.near_duplicate", "null", None),
        ("engine.threads", "two", "two"),
        ("run", "17", "17"),  # a text where one is wanted
    ],
)
def test_text_of_the_command_line_is_read_where_none_is_wanted(path: str, text: Any, value: Any) -> None:
    config = changed(path, text)
    read_texts(config, SCHEMA)
    assert config == changed(path, value)


def test_a_variant_that_the_study_no_longer_allows() -> None:
    config = changed("pretrain.budgets", [300_000, 600_000])
    with pytest.raises(UserError, match=r"ablations\..*teacher_budget.*\nRemedy: .*ablations: \[\] leaves all out"):
        check_config(config, SCHEMA, TABLES, "mine.yaml")
