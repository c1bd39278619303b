"""A card for every method on every domain: what its served models are, learned from, reach, and must not be used for.

In: metrics.tsv, the configuration, rows of config/methods.tsv and config/datasets.tsv, and the report of the splits.
Out: Markdown under the front matter that model hubs read (licence, tags, results).

    slm on sympy: "SLM specialised to sympy", 215,472 parameters, perplexity 48.87 [45.31, 52.71] after 160k tokens
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from speclm.stage.files import write_text
from speclm.stage.recipes import CLUSTERED
from speclm.study.clustering import drawn, embedded
from speclm.study.layout import DASH, count, markdown_rows, with_interval
from speclm.study.peers import PEERS
from speclm.study.plan import GENERIC

LICENCE = "apache-2.0"
PAPER = "2402.01093"
LIMITS = (
    "Made to compare methods of training under a budget, not to be put to use: too small, and trained on too little, "
    "to be relied on for facts, code or advice in {domain}.",
    "Measured by perplexity alone, on held-out documents of the same sources: not on other text, tasks or languages, "
    "and neither for bias, nor for harmful or private content. Nothing was filtered for these; nothing aligns it.",
    "It can repeat passages of its training text, whose licences then hold for what it writes.",
    "It sees {context} tokens at once. {seeds}",
)


@dataclass(frozen=True)
class Shelf:
    """What all cards of a study are made from.

    Attributes:
        config: the run's configuration. metrics: metrics.tsv. methods: config/methods.tsv by method, and the peers as
            if they were in it (`with_peers`).
        corpora: of every corpus the name of its data set, licence, origin, deviation.
        splits: documents and characters of "sympy/train" and the others.
    """

    config: Mapping[str, Any]
    metrics: pd.DataFrame
    methods: Mapping[str, Mapping[str, str]]
    corpora: Mapping[str, Mapping[str, str]]
    splits: Mapping[str, Mapping[str, int]]

    def measured(self, method: str, domain: str) -> pd.DataFrame:
        """The rows of metrics.tsv of one card, the largest budget and size first."""
        rows = self.metrics[(self.metrics["method"] == method) & (self.metrics["domain"] == domain)]
        keys = ["budget", "size", "selection", "seed"]
        return rows.sort_values(keys, ascending=[False, False, True, True])


def with_peers(methods: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Label and description of every method and peer; "pretraining" is "-" where nothing is made of generic text."""
    peers = {
        name: {"label": peer.label, "description": peer.description, "pretraining": name if peer.generic else DASH}
        for name, peer in PEERS.items()
    }
    return {**methods, **peers}


def write_cards(shelf: Shelf, outputs: Mapping[tuple[str, str], Path]) -> None:
    """Write the card of every method and domain that `outputs` names."""
    for (method, domain), path in outputs.items():
        write_text(path, method_card(shelf, method, domain))


def method_card(shelf: Shelf, method: str, domain: str) -> str:
    """One card."""
    label = shelf.methods[method]["label"]
    front = yaml.safe_dump(_front_matter(shelf, method, domain), sort_keys=False, allow_unicode=True)
    sections = (
        (f"# {label} specialised to {domain}", _facts(shelf, method, domain)),
        ("## What it learned from", _texts(shelf, method, domain)),
        ("## What it reaches", _results(shelf, method, domain)),
        ("## Licence", _licence(shelf, method, domain)),
        ("## Limits", _limits(shelf, method, domain)),
    )
    return "\n\n".join([f"---\n{front}---", *(f"{head}\n\n{text}" for head, text in sections)]) + "\n"


def _front_matter(shelf: Shelf, method: str, domain: str) -> dict[str, Any]:
    rows = shelf.measured(method, domain)
    best = rows[rows["budget"] == rows["budget"].max()].drop_duplicates("size")
    name = f"{method}_{domain}"
    results = [
        {
            "task": {"type": "text-generation"},
            "dataset": {"name": f"{domain}, test documents", "type": shelf.corpora[domain]["dataset"]},
            "metrics": [{"type": "perplexity", "value": round(row["perplexity"], 2), "name": _after(row["size"])}],
        }
        for row in best.to_dict("records")
    ]
    return {
        "license": LICENCE,
        "library_name": "speclm",
        "pipeline_tag": "text-generation",
        "tags": ["speclm", method, f"arxiv:{PAPER}"],
        "model-index": [{"name": name, "results": results}],
    }


def _facts(shelf: Shelf, method: str, domain: str) -> str:
    row = shelf.measured(method, domain).iloc[0]
    if method in PEERS:
        return "\n".join(f"- {name}: {value}" for name, value in _facts_of_peer(method, row).items())
    network = "llm" if method == "llm" else "slm"
    shape = shelf.config["models"][network]
    facts = {
        "method": shelf.methods[method]["description"],
        "network": "decoder-only transformer: "
        + ", ".join(f"{name} {value}" for name, value in shape.items())
        + f"; vocabulary {shelf.config['tokenizer']['vocabulary']:,}, context {shelf.config['context']:,}",
        **_clusters(shelf.config, method),
        "parameters served": f"{row['parameters_serve']:,}",
        "parameters pretrained": f"{row['parameters_pretrain']:,}" if row["pretrain_tokens"] else DASH,
        "FLOPs a token served": f"{row['flops_serve_per_token']:,}",
        "weights": f"`specialize/{method}/{domain}/seed*/models/*.safetensors`, facts beside each in `.json`",
        "paper": f"https://arxiv.org/abs/{PAPER}",
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _clusters(config: Mapping[str, Any], method: str) -> dict[str, str]:
    """Of a method that goes by clusters, what these are of."""
    if method == "slm_is":
        return {
            "generic text": f"{drawn(config)}, {config['models'][method]['clusters']} clusters of {embedded(config)}"
        }
    if method in CLUSTERED:
        return {"clusters": f"{config['models'][method]['experts']}, of {embedded(config)}"}
    return {}


def _facts_of_peer(method: str, row: pd.Series[Any]) -> dict[str, str]:
    return {
        "peer": PEERS[method].description,
        "of the paper": "no: it stands beside the paper's methods",
        "n-grams of one to five tokens": f"{row['parameters_serve']:,}",
        "FLOPs a token served": "none: a token is looked up",
        "weights": f"`ngram/tables/{method}.safetensors`, of the first domain; bytes of all in `ngram/runs.json`",
    }


def _texts(shelf: Shelf, method: str, domain: str) -> str:
    learning, choosing = (
        ("counting", "choosing weights") if method in PEERS else ("fine-tuning", "choosing when to stop")
    )
    uses = {f"{domain}/train": learning, f"{domain}/valid": choosing}
    uses |= {f"{domain}/test": "measuring, and nothing else"}
    if shelf.methods[method]["pretraining"] != DASH:
        uses = {f"{GENERIC}/train": "counting" if method in PEERS else "pretraining", **uses}
    rows = [
        (split, use, f"{facts['documents']:,}", f"{facts['characters']:,}", shelf.corpora[corpus]["origin"])
        for split, use in uses.items()
        for corpus, facts in [(split.partition("/")[0], shelf.splits[split])]
    ]
    departures = [
        f"{corpus}: {shelf.corpora[corpus]['deviation']}"
        for corpus in (GENERIC, domain)
        if shelf.corpora[corpus]["deviation"] != DASH
    ]
    told = "No document and no window of tokens stands in two of these (`data_card.md`). The tokenizer learned from "
    told += f"{GENERIC}/train."
    if departures:
        told += f" Beside the paper's text: {'; '.join(departures)}."
    return _table(["text", "for", "documents", "characters", "origin"], rows) + f"\n\n{told}"


def _results(shelf: Shelf, method: str, domain: str) -> str:
    head = ["budget", "domain tokens", "chosen by", "seed", "tokens of pretraining", "of fine-tuning", "FLOPs"]
    head += ["perplexity [95 %]", "bits a byte"]
    rows = [
        (
            *(count(row["budget"]) if row["budget"] else DASH, f"{row['size']:,}", row["selection"], row["seed"]),
            *(f"{row['pretrain_tokens']:,}", f"{row['specialize_tokens']:,}", count(row["flops"])),
            *(with_interval(row["perplexity"], row["low"], row["high"]), f"{row['bits_per_byte']:.3f}"),
        )
        for row in shelf.measured(method, domain).to_dict("records")
    ]
    told = (
        "On the test documents of the domain; 0 domain tokens: before fine-tuning. Perplexity is per token of this "
        "study's own vocabulary and says nothing beside that of another; bits a byte do. Intervals: bootstrap over "
        "documents."
    )
    return f"{_table(head, rows)}\n\n{told}"


def _licence(shelf: Shelf, method: str, domain: str) -> str:
    corpora = [domain] if shelf.methods[method]["pretraining"] == DASH else [GENERIC, domain]
    texts = "; ".join(f"{corpus}: {shelf.corpora[corpus]['licence']}" for corpus in corpora)
    return f"Weights and code: Apache-2.0, as far as the licences of the text that they were made from allow: {texts}."


def _limits(shelf: Shelf, method: str, domain: str) -> str:
    number = len(shelf.config["seeds"])
    seeds = "One seed: how another would come out is not known." if number == 1 else f"{number} seeds."
    seen = "4" if method in PEERS else f"{shelf.config['context']:,}"
    known = {"domain": domain, "context": seen, "seeds": "Counting needs no seed." if method in PEERS else seeds}
    return "\n".join(f"- {limit.format(**known)}" for limit in LIMITS)


def _after(size: int) -> str:
    return f"after {size:,} tokens of the domain" if size else "before fine-tuning"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return "\n".join(markdown_rows(pd.DataFrame(list(rows), columns=list(head)).astype(str)))
