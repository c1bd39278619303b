"""What methods and columns are called where people read them.

In: tables as the workflow writes them, whose names programs use. Out: the same under labels and words.

    method slm_is, flops_specialize 4.2e10   ->   method SLM-is, "FLOPs, for its domain" 4.2e10
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from speclm.study.layout import DASH
from speclm.study.peers import PEERS

HEADINGS: Mapping[str, str] = {
    "selection": "expert chosen by",
    "size": "domain tokens",
    "split": "text",
    "nll": "nats a token",
    "tokens": "tokens of the text",
    "bytes": "bytes of the text",
    "documents": "documents of the text",
    "bits_per_byte": "bits a byte",
    "low": "perplexity, low end",
    "high": "perplexity, high end",
    "parameters_pretrain": "parameters, pretrained",
    "parameters_serve": "parameters, served",
    "pretrain_tokens": "tokens of pretraining",
    "specialize_tokens": "tokens of fine-tuning",
    "steps": "optimizer steps",
    "flops": "FLOPs, in all",
    "flops_generic": "FLOPs, shared by all domains",
    "flops_specialize": "FLOPs, for its domain",
    "flops_to_best": "FLOPs to the best validation",
    "flops_serve_per_token": "FLOPs of a served token",
    "capped": "ended at its step cap",
    "expert_spread": "spread of the experts (nats)",
    "total_1": "FLOPs for 1 domain",
    "total_7": "FLOPs for 7 domains",
    "total_50": "FLOPs for 50 domains",
    "seconds_generic": "seconds, shared by all domains",
    "seconds_specialize": "seconds, for its domain",
    "bytes_weights": "bytes of weights",
    "bytes_text": "bytes of a text's keys and values",
    "flops_per_token": "FLOPs a token",
    "context": "context (tokens)",
    "batch": "texts at once",
    "generated": "tokens generated",
    "ms_per_token": "ms a token",
    "ms_low": "ms a token, low end",
    "ms_high": "ms a token, high end",
    "tokens_per_second": "tokens a second",
    "tokens_per_second_low": "tokens a second, low end",
    "tokens_per_second_high": "tokens a second, high end",
}
CHOICES: Mapping[str, str] = {
    "none": DASH,
    "most_frequent": "most frequent cluster",
    "best_pretrained": "best before fine-tuning",
    "best_finetuned": "best after fine-tuning",
}


def labels_of(methods: pd.DataFrame, config: Mapping[str, Any]) -> dict[str, str]:
    """The label of every method, peer and variant, by name.

    Args:
        methods: config/methods.tsv. config: the run's configuration, with its variants under "ablations".
    """
    own = dict(zip(methods["method"], methods["label"], strict=True))
    variants = {variant["name"]: variant["label"] for variant in config.get("ablations", [])}
    return {**own, **{name: peer.label for name, peer in PEERS.items()}, **variants}


def readable(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """A table of the workflow's under headings for readers."""
    words = {"method": labels, "selection": CHOICES}
    columns = {
        HEADINGS.get(str(name), str(name)): table[name].map(lambda value, name=name: words[name].get(value, value))
        if name in words
        else table[name]
        for name in table.columns
    }
    return pd.DataFrame(columns)
