"""The peer that counts: three 5-grams, measured on the same test documents as the networks, from the same tokens.

    ngram           the domain's first tokens and the generic text, mixed; before any domain the generic text alone
    ngram_small     the same, pruned to the bytes of the small network's weights
    ngram_domain    the domain's first tokens alone

Nothing is trained: each token is counted once, so that there are no steps and no FLOPs, only seconds. Counts depend on
no seed; yet what is compared is paired by seed, so that every measurement is written once for each.

The weight of the domain is the one under which its validation documents are likeliest. A pruned table is better off
with less of the generic text, which takes room: there some weights nearer to 1 are tried on these documents, too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speclm.data.measurements import sum_by_document, write_measurements
from speclm.data.windows import Windows, open_windows
from speclm.ngram.files import save_table
from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.mixing import best_weight, mix
from speclm.ngram.pruning import prune
from speclm.ngram.table import Table, WholeTable
from speclm.stage.errors import UserError
from speclm.stage.files import write_json

GENERIC = "generic"
SHARES_LEFT = (1, 0.5, 0.25)  # of the generic text's weight, tried where a table is pruned


@dataclass(frozen=True)
class Text:
    """A domain's splits."""

    name: str
    train: Windows
    valid: Windows
    test: Windows


def first_tokens(paths: Sequence[Path], most: int) -> NDArray[Any]:
    """The first tokens of a split's stores, in order: no more than `most`, and no store is opened beyond them."""
    parts: list[NDArray[Any]] = []
    for path in paths:
        room = most - sum(map(len, parts))
        if room <= 0:
            break
        parts.append(np.asarray(open_windows(path).tokens[:room]))
    return np.concatenate(parts)


class Peer:
    """The three 5-grams of a study, measured as they are made.

    Attributes:
        runs: of every measurement but for its seed: method, domain, size, ngrams and bytes (of the table), weight (of
            the domain), generic_tokens and domain_tokens (counted).
        seconds: by "method domain size": generic, of what all domains share, and specialize.
    """

    def __init__(self, generic_S: NDArray[Any], heldout: Windows, small_bytes: int, seeds: Sequence[int]) -> None:
        self.runs: list[dict[str, Any]] = []
        self.seconds: dict[str, dict[str, float]] = {}
        self._measured: list[tuple[dict[str, Any], Any]] = []
        self._tokens, self._bytes, self._seeds = len(generic_S), small_bytes, seeds
        started = time.perf_counter()
        self._whole = train_ngram(generic_S, heldout.vocabulary)
        self._counting = time.perf_counter() - started
        started = time.perf_counter()
        self._small = prune(self._whole, small_bytes)
        self._pruning = time.perf_counter() - started
        for method, table in (("ngram", self._whole), ("ngram_small", self._small)):
            self._measure(method, GENERIC, 0, heldout, table, weight=0.0)

    def measure(self, text: Text, sizes: Sequence[int]) -> dict[str, Table]:
        """Measure a domain before and after its first tokens of every size; the tables of the largest, by method.

        Raises:
            UserError: the domain has fewer tokens than a size.
        """
        for method, table in (("ngram", self._whole), ("ngram_small", self._small)):
            self._measure(method, text.name, 0, text.test, table, weight=0.0)
        generic_S = self._whole.probabilities(text.valid.tokens)
        made: dict[str, Table] = {}
        for size in sizes:
            started = time.perf_counter()
            counted = text.train.first(size) * text.train.context + 1
            domain = train_ngram(np.asarray(text.train.tokens[:counted]), text.train.vocabulary)
            alone = time.perf_counter() - started
            weight = best_weight(domain.probabilities(text.valid.tokens), generic_S)
            whole = mix(domain, self._whole, weight)
            mixed = time.perf_counter() - started
            small, kept = self._prune(domain, weight, whole, text.valid)
            pruned = time.perf_counter() - started
            made = {"ngram": whole, "ngram_small": small, "ngram_domain": domain}
            for method, share, seconds in (
                ("ngram", weight, mixed),
                ("ngram_small", kept, pruned),
                ("ngram_domain", 1.0, alone),
            ):
                self._measure(method, text.name, size, text.test, made[method], share, counted, seconds)
        return made

    def write(self, output: Path) -> dict[str, Any]:
        """Write documents.parquet, measurements.json and runs.json."""
        write_json(output / "runs.json", self.runs)
        return write_measurements(output, self._measured)

    def _prune(self, domain: WholeTable, weight: float, whole: WholeTable, valid: Windows) -> tuple[Table, float]:
        """Of the tables that fit, the one under which the validation documents are likeliest, and its weight."""
        found = []
        for share in SHARES_LEFT:
            kept = 1 - share * (1 - weight)
            table = prune(whole if share == 1 else mix(domain, self._whole, kept), self._bytes)
            found.append((-np.log(table.probabilities(valid.tokens)).mean(), table, kept))
        _, table, kept = min(found, key=lambda tried: tried[0])
        return table, kept

    def _measure(
        self,
        method: str,
        domain: str,
        size: int,
        windows: Windows,
        table: Table,
        weight: float,
        counted: int = 0,
        seconds: float = 0.0,
    ) -> None:
        alone = method == "ngram_domain"
        name = {"method": method, "domain": domain, "size": size}
        facts = {"ngrams": table.ngrams, "bytes": table.bytes, "weight": weight}
        self.runs.append(
            {**name, **facts, "generic_tokens": 0 if alone else self._tokens, "domain_tokens": counted},
        )
        shared = 0.0 if alone else self._counting + (self._pruning if method == "ngram_small" else 0.0)
        self.seconds[f"{method} {domain} {size}"] = {"generic": shared, "specialize": seconds}
        losses = sum_by_document(-np.log(table.probabilities(windows.tokens)), windows)
        split = "heldout" if domain == GENERIC else "test"
        for seed in self._seeds:
            self._measured.append(({**name, "selection": "none", "budget": 0, "seed": seed, "split": split}, losses))


def save_tables(folder: Path, tables: Mapping[str, Table]) -> None:
    """Write each table, by method, for its bytes and milliseconds to be measured.

    Raises:
        UserError: there are none.
    """
    if not tables:
        raise UserError("no domain was counted", where=folder, key="domains", remedy="name one or more")
    folder.mkdir(parents=True, exist_ok=True)
    for method, table in tables.items():
        save_table(folder / f"{method}.safetensors", table, method=method)
