"""Model cards: the numbers of metrics.tsv, the texts of the splits, under a front matter that model hubs understand."""

import copy
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard

from speclm.stage.files import read_json, read_table
from speclm.study.method_cards import Shelf, method_card, with_peers, write_cards
from speclm.study.peers import PEERS
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"
ROW = {"dataset": "web", "licence": "CC0", "origin": "a desk", "deviation": "-"}


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """The published laptop study, with a made-up account of its texts."""
    config = read_json(LAPTOP / "run.json")["settings"]
    splits = {f"generic/{split}": {"documents": 1000, "characters": 20000} for split in ("train", "heldout")}
    for domain in config["domains"]:
        splits |= {f"{domain}/{split}": {"documents": 70, "characters": 800} for split in ("train", "valid", "test")}
    return Shelf(
        config,
        read_table(LAPTOP / "metrics.tsv"),
        with_peers(read_table(ROOT / "config/methods.tsv").set_index("method").to_dict("index")),
        {
            "generic": ROW,
            "sympy": {**ROW, "licence": "BSD", "deviation": "half|of it"},
            "networkx": ROW,
            "sqlalchemy": ROW,
        },
        splits,
    )


def section(card: str, head: str) -> str:
    return card.partition(f"## {head}\n")[2].partition("\n## ")[0]


def rows(card: str, head: str) -> pd.DataFrame:
    """The table below a heading."""
    lines = [line for line in section(card, head).splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return pd.DataFrame(cells[2:], columns=cells[0])


def test_every_measurement_of_the_method_on_the_domain(shelf: Shelf) -> None:
    for method in shelf.config["methods"]:
        shown = rows(method_card(shelf, method, "sympy"), "What it reaches")
        measured = shelf.metrics.query("method == @method and domain == 'sympy'")
        assert len(shown) == len(measured) > 0
        found = sorted(float(cell.split(" [")[0].replace(",", "")) for cell in shown["perplexity [95 %]"])
        assert found == pytest.approx(sorted(measured["perplexity"]), rel=5e-3)
        assert shown["perplexity [95 %]"].str.fullmatch(r"[\d.,]+ \[[\d.,]+, [\d.,]+\]").all()


def test_methods_that_go_by_clusters_tell_of_what(shelf: Shelf) -> None:
    known = copy.deepcopy(dict(shelf.config))
    known["embedder"]["passage"], known["models"]["slm_is"]["histogram_tokens"] = 512, 2500
    told = {method: method_card(replace(shelf, config=known), method, "sympy") for method in known["methods"]}
    drawn = "- generic text: drawn by the first 2,500 tokens of a domain, 32 clusters of passages of up to 512 tokens"
    assert f"{drawn}, embedded by lsi\n" in told["slm_is"]
    for method in ("slm_mix", "slm_pn"):
        assert "- clusters: 8, of passages of up to 512 tokens, embedded by lsi\n" in told[method]
    assert not any("embedded by" in told[method] for method in ("slm", "slm_nopt", "llm", "slm_d"))


def test_the_published_cards_tell_the_published_numbers(shelf: Shelf) -> None:
    cards = sorted(LAPTOP.glob("cards/*/*.md"))
    assert len(cards) == (len(shelf.config["methods"]) + len(PEERS)) * len(shelf.config["domains"])
    for path in cards:
        expected = method_card(shelf, path.parent.name, path.stem)
        assert section(path.read_text(), "What it reaches") == section(expected, "What it reaches"), path


def test_what_it_learned_from(shelf: Shelf) -> None:
    card = method_card(shelf, "slm", "sympy")
    assert rows(card, "What it learned from")["text"].tolist() == [
        *("generic/train", "sympy/train", "sympy/valid", "sympy/test")
    ]
    assert "sympy: half|of it" in card
    assert "allow: generic: CC0; sympy: BSD." in card
    alone = method_card(shelf, "slm_nopt", "networkx")
    assert "generic/train" not in rows(alone, "What it learned from")["text"].tolist()
    assert "allow: networkx: CC0." in alone and "- parameters pretrained: -" in alone


def test_limits_say_how_many_seeds(shelf: Shelf) -> None:
    card = method_card(shelf, "llm", "sympy")
    assert "It sees 64 tokens at once. One seed" in card
    assert "layers 3, width 88" in card


def test_model_hubs_read_the_front_matter(shelf: Shelf, tmp_path: Path) -> None:
    write_cards(shelf, {("slm_pn", "sympy"): tmp_path / "card.md"})
    data = ModelCard.load(tmp_path / "card.md").data
    assert (data.license, data.model_name) == ("apache-2.0", "slm_pn_sympy")
    results = {result.metric_name: result.metric_value for result in data.eval_results}
    best = shelf.metrics.query(
        "method == 'slm_pn' and domain == 'sympy' and size == 16000 and budget == 20000000 "
        "and selection != 'best_finetuned'"
    )
    assert results["after 16,000 tokens of the domain"] in [round(value, 2) for value in best["perplexity"]]
    assert "*id" not in (tmp_path / "card.md").read_text()
    assert yaml.safe_load((tmp_path / "card.md").read_text().split("---")[1])["tags"][0] == "speclm"
