"""How large a study is: its measurements, recipes and network sizes, and the bytes, tokens and windows of its splits.

In go the configuration, config/methods.tsv and how large the documents are; splits are not read but reckoned, as if all
documents of a data set were of one length:

    100 documents of 2,000 bytes, 20 of them held out, vocabulary 512:   train 160,000 bytes, 91,428 tokens
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from speclm.model.size import ModelSize
from speclm.stage.recipes import Recipe, make_recipes
from speclm.study.plan import GENERIC, Measurement, expected_measurements, make_plan

# UTF-8 bytes of a token by vocabulary: measured on the laptop's and the smoke preset's docstrings; the last is C4's
# 750 GB of text over its 156G tokens.
TOKEN_BYTES = {512: 1.75, 2048: 2.78, 32_000: 4.8}


@dataclass(frozen=True)
class Corpus:
    """How many documents a data set has, their bytes of text, and in how many shards it is read."""

    documents: int
    text: int
    shards: int = 1


@dataclass(frozen=True)
class Study:
    """A configuration, as far as its work goes.

    corpora: by data set. datasets: the data set of every corpus ("generic" and the domains). looks: by method, after
    how many validations early stopping ends a fine-tuning in practice; one that is not there goes to its most steps.
    """

    config: Mapping[str, Any]
    methods: pd.DataFrame
    corpora: Mapping[str, Corpus]
    datasets: Mapping[str, str]
    looks: Mapping[str, float] = field(default_factory=dict)

    def measured(self, method: str, corpus: str, seed: str) -> list[Measurement]:
        """Every measurement that is asked for of a method on a corpus."""
        return self._measurements[method, corpus, int(seed)]

    @cached_property
    def _measurements(self) -> dict[tuple[str, str, int], list[Measurement]]:
        chosen, specialize = self.config, self.config["specialize"]
        study = {key: chosen[key] for key in ("methods", "domains", "seeds")}
        study |= {key: specialize[key] for key in ("sizes", "best_finetuned_sizes")}
        study |= {key: chosen["pretrain"][key] for key in ("budgets", "domain_budgets")}
        study["variants"] = [recipe.record() for name, recipe in self.recipes.items() if name not in chosen["methods"]]
        found = defaultdict(list)
        for name in expected_measurements(make_plan(study, self.methods)):
            found[name.method, name.domain, name.seed].append(name)
        return found

    def size(self, kind: str) -> ModelSize:
        """Of the network "slm" or "llm"."""
        return ModelSize(self.config["tokenizer"]["vocabulary"], self.config["context"], **self.config["models"][kind])

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """The methods and their variants."""
        return make_recipes(self.config, self.methods)

    def finetuning_steps(self, recipe: Recipe) -> dict[int, int]:
        """Of one fine-tuning, by the size of its text: what it takes in practice, at most what it may."""
        section = recipe.config["specialize"]
        limits = dict(zip(section["sizes"], section["max_steps"][recipe.family], strict=True))
        if recipe.kind not in self.looks:
            return limits
        between = dict(zip(section["sizes"], section["evaluate_every"], strict=True))
        return {size: min(most, round(self.looks[recipe.kind] * between[size])) for size, most in limits.items()}

    def experts(self, method: str) -> int:
        """Among how many networks a method chooses."""
        recipe = self.recipes.get(method)
        return recipe.clusters if recipe and recipe.kind in ("slm_mix", "slm_pn") else 1

    def text(self, corpus: str, split: str) -> int:
        """Bytes of a split, or of one of the shards of generic train ("train/00000"), supposing documents of equal
        length, and shards: training has what is not held out."""
        documents = self.config["documents"]
        heldout = (
            {"heldout": documents["heldout"]} if corpus == GENERIC else {k: documents[k] for k in ("valid", "test")}
        )
        whole = self.corpora[self.datasets[corpus]]
        each = whole.text / whole.documents
        if split in heldout:
            return int(each * heldout[split])
        shards = whole.shards if split.startswith("train/") else 1
        return int(each * max(0, whole.documents - sum(heldout.values())) / shards)

    def tokens(self, corpus: str, split: str) -> int:
        """Of a split, about."""
        return int(self.text(corpus, split) / bytes_per_token(self.config["tokenizer"]["vocabulary"]))

    def windows(self, corpus: str, split: str) -> int:
        """Of a split, about."""
        return self.tokens(corpus, split) // int(self.config["context"])

    def passages(self, corpus: str, split: str) -> int:
        """Of a split, about: what one document has, times documents, but no more than windows."""
        whole = self.corpora[self.datasets[corpus]]
        each = whole.text / whole.documents
        tokens = each / bytes_per_token(self.config["tokenizer"]["vocabulary"])
        parts = ceil(tokens / int(self.config["embedder"]["passage"]))
        return min(self.windows(corpus, split), round(self.text(corpus, split) / each) * parts)


def bytes_per_token(vocabulary: int) -> float:
    """About: between those known, linear in the vocabulary's logarithm."""
    return float(np.interp(np.log(vocabulary), np.log(list(TOKEN_BYTES)), list(TOKEN_BYTES.values())))
