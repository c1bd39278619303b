"""Headings: every column that the page shows has one, labels stand for methods."""

import pandas as pd
import pytest

from speclm.stage.files import read_json, read_table
from speclm.study.headings import HEADINGS, labels_of, readable
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"
PLAIN = {"method", "domain", "budget", "seed", "perplexity", "device", "host", "threads", "precision", "parameters"}


@pytest.mark.parametrize("name", ["metrics", "costs", "timings", "serving"])
def test_every_column_of_the_page_has_a_heading(name: str) -> None:
    table = read_table(LAPTOP / f"{name}.tsv")
    assert set(table.columns) - PLAIN <= set(HEADINGS)
    shown = readable(table, {})
    assert len(set(shown.columns)) == len(table.columns) and len(shown) == len(table)
    assert not any("_" in column for column in shown.columns)


def test_methods_and_choices_by_their_labels() -> None:
    table = pd.DataFrame({"method": ["slm_is", "own"], "selection": ["none", "most_frequent"], "size": [1, 2]})
    shown = readable(table, {"slm_is": "SLM-is"})
    assert shown.to_dict("list") == {
        "method": ["SLM-is", "own"],
        "expert chosen by": ["-", "most frequent cluster"],
        "domain tokens": [1, 2],
    }


def test_labels_of_methods_peers_and_variants() -> None:
    settings = read_json(LAPTOP / "run.json")["settings"]
    labels = labels_of(read_table(ROOT / "config/methods.tsv"), settings)
    assert labels["slm_pn"] == "SLM-pn" and labels["ngram_small"] == "n-gram-s"
    assert labels["slm_is_k4"] == "SLM-is, k = 4"
    assert set(read_table(LAPTOP / "metrics.tsv")["method"]) <= set(labels)
