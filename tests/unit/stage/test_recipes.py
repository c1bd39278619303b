"""Recipes against what each kind of change must share and must have of its own."""

import copy
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.stage.recipes import (
    CLUSTERED,
    Recipe,
    check_variants,
    clusterings_of,
    laid_over,
    make_recipes,
    pretraining_settings,
)

ROOT = Path(__file__).parents[3]
CONFIG = {**yaml.safe_load((ROOT / "config/config.yaml").read_text()), "ablations": []}
METHODS = read_table(ROOT / "config/methods.tsv")


def variant(of: str, change: dict[str, Any], name: str = "changed") -> dict[str, Any]:
    return {"name": name, "of": of, "label": name.upper(), "change": change}


def recipe(of: str, change: dict[str, Any]) -> Recipe:
    return make_recipes({**CONFIG, "ablations": [variant(of, change)]}, METHODS)["changed"]


def test_a_study_without_variants_is_its_methods() -> None:
    recipes = make_recipes(CONFIG, METHODS)
    assert list(recipes) == CONFIG["methods"]
    rows = METHODS.set_index("method")
    for name, found in recipes.items():
        assert (found.kind, found.pretraining, found.change) == (name, rows.loc[name, "pretraining"], {})
    assert {name for name, found in recipes.items() if found.generic} == {"slm", "llm", "slm_mix", "slm_pn"}
    assert recipes["slm_is"].pretrained
    assert not recipes["slm_d"].pretrained
    assert {name: found.clusters for name, found in recipes.items() if found.clusters} == {
        "slm_mix": 8,
        "slm_pn": 8,
        "slm_is": 32,
    }
    assert set(CLUSTERED) == {name for name, found in recipes.items() if found.clusters}
    assert clusterings_of(recipes) == {"main": CONFIG}


@pytest.mark.parametrize(
    ("of", "change", "pretraining", "clustering"),
    [
        ("slm_pn", {"models": {"slm_pn": {"experts": 16}}}, "changed", "main"),
        ("slm_pn", {"models": {"slm_pn": {"components": 2}}}, "changed", "main"),
        ("slm_is", {"models": {"slm_is": {"clusters": 16}}}, "changed", "main"),
        ("slm_mix", {"clusters": {"seed": 18}}, "changed", "changed"),
        ("slm_is", {"embedder": {"kind": "minilm"}}, "changed", "changed"),
        ("slm", {"pretrain": {"warmup": {"slm": 7}}}, "changed", "main"),
        ("slm", {"pretrain": {"learning_rate": {"slm": 0.1}}}, "changed", "main"),
        ("llm", {"specialize": {"max_steps": {"llm": [1, 2, 3]}}}, "llm", "main"),
        ("slm_d", {"distill": {"weight": 0.25}}, "slm", "main"),
        ("slm_nopt", {"specialize": {"patience": 9}}, "-", "main"),
        # of no consequence to the method: its pretraining stays the study's
        ("slm", {"clusters": {"seed": 18}}, "slm", "main"),
        ("slm", {"pretrain": {"learning_rate": {"llm": 0.1}}}, "slm", "main"),
        ("slm", {"pretrain": {"warmup": {"llm": 7}}}, "slm", "main"),
        ("slm_mix", {"models": {"slm_pn": {"experts": 16}}}, "slm_mix", "main"),
    ],
)
def test_what_a_change_makes_its_own(of: str, change: dict[str, Any], pretraining: str, clustering: str) -> None:
    found = recipe(of, change)
    assert (found.kind, found.pretraining, found.clustering) == (of, pretraining, clustering)
    assert found.label == "CHANGED"
    assert found.selections == found.selections[:1]  # the default way of choosing the expert alone


def test_the_change_is_told_by_leaf_with_both_values() -> None:
    found = recipe("slm_pn", {"models": {"slm_pn": {"experts": 16, "rank": 4}}, "clusters": {"seed": 18}})
    assert found.change == {"clusters.seed": (17, 18), "models.slm_pn.experts": (8, 16)}  # a rank of 4 is the study's
    record = found.record()
    assert record["change"] == {"clusters.seed": [17, 18], "models.slm_pn.experts": [8, 16]}
    assert (record["method"], record["of"], record["pretraining"]) == ("changed", "slm_pn", "changed")


def test_variants_with_equal_clusters_share_them() -> None:
    rows = [variant(kind, {"clusters": {"seed": 18}}, f"{kind}_again") for kind in ("slm_mix", "slm_pn", "slm_is")]
    recipes = make_recipes({**CONFIG, "ablations": rows}, METHODS)
    assert {recipes[row["name"]].clustering for row in rows} == {"slm_mix_again"}
    found = clusterings_of(recipes)
    assert {name: config["clusters"]["seed"] for name, config in found.items()} == {"main": 17, "slm_mix_again": 18}


def test_variants_of_methods_that_are_left_out_are_left_out() -> None:
    rows = [variant("slm_pn", {"clusters": {"seed": 18}}), variant("llm", {"specialize": {"patience": 9}}, "patient")]
    recipes = make_recipes({**CONFIG, "methods": ["slm", "llm"], "ablations": rows}, METHODS)
    assert list(recipes) == ["slm", "llm", "patient"]


def test_nothing_is_laid_over_the_studys_own_configuration() -> None:
    before = copy.deepcopy(CONFIG)
    changed = laid_over(CONFIG, {"pretrain": {"learning_rate": {"slm": 1.0}}, "seeds": [1, 2]})
    assert before == CONFIG
    assert changed["pretrain"]["learning_rate"] == {**before["pretrain"]["learning_rate"], "slm": 1.0}
    assert changed["seeds"] == [1, 2]


def test_a_pretraining_knows_nothing_of_other_methods() -> None:
    slm, pn = (pretraining_settings(CONFIG, kind) for kind in ("slm", "slm_pn"))
    assert (slm["projection"], slm["clusters"], slm["shape"]) == (None, None, CONFIG["models"]["slm"])
    assert (pn["projection"], pn["clusters"]) == (CONFIG["models"]["slm_pn"], 8)
    assert slm["pretrain"]["learning_rate"] == CONFIG["pretrain"]["learning_rate"]["slm"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (variant("slm_pm", {"clusters": {"seed": 1}}), r'ablations\.changed\.of: "slm_pm".*did you mean "slm_pn"'),
        (variant("slm", {"clusters": {"seed": 1}}, "slm_pn"), r"ablations\.slm_pn: has a name that is taken"),
        (variant("slm", {"documents": {"test": 5}}), r'ablations\.changed\.change: "documents" cannot differ'),
        (variant("slm", {"pretrain": {"clip": 5.0}}), r"ablations\.changed: changes nothing"),
        (variant("slm", {"clusters": {"k": [2, 8]}}), r"clusters\.k is common to all methods"),
        (variant("slm", {"pretrain": {"budgets": [5]}}), r"pretrain\.budgets is common"),
        (
            variant("slm_d", {"pretrain": {"warmup": {"slm": 1}}}),
            r"changes the pretraining of slm, from which slm_d starts",
        ),
    ],
)
def test_a_variant_that_stands_for_nothing_is_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        check_variants({**CONFIG, "ablations": [row]}, METHODS, "some.yaml")
    assert "Remedy: " in str(refused.value)


def test_two_variants_of_one_name_are_refused() -> None:
    rows = [variant("slm", {"clusters": {"seed": seed}}) for seed in (1, 2)]
    with pytest.raises(UserError, match="name that is taken"):
        check_variants({**CONFIG, "ablations": rows}, pd.DataFrame(METHODS), "some.yaml")
