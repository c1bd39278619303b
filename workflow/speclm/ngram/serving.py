"""A 5-gram that is served, for its cost to be measured beside the networks' (train/serving.py).

generating    all tokens' probabilities after the last few, the likeliest is next: batch 1
scoring       the probabilities of a batch of windows, all at once
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from speclm.ngram.files import load_table


class ServedNgram:
    """A table that is ready to answer. `facts`: the columns of serving.tsv that are counted."""

    def __init__(self, path: Path, batch_windows: int, context: int, generated: int) -> None:
        self._table, meta = load_table(path)
        self.method: str = meta["method"]
        self._generated = generated
        numbers = np.arange(batch_windows * (context + 1))
        self._tokens_BL = (numbers * 7919 % self._table.vocabulary).reshape(batch_windows, context + 1)
        self.facts: dict[str, Any] = {
            "method": self.method,
            "parameters": self._table.ngrams,
            "bytes_weights": self._table.bytes,
            "bytes_text": 0,
            "flops_per_token": 0,
            "context": len(self._table.levels) - 1,
            "batch": batch_windows,
            "generated": generated,
        }

    def turn(self) -> tuple[float, float]:
        """Milliseconds per token generated, and tokens per second scored."""
        started = time.perf_counter()
        text = self._tokens_BL[0].tolist()
        for _ in range(self._generated):
            text.append(int(self._table.distribution(text[-8:]).argmax()))
        generated = time.perf_counter()
        for tokens_L in self._tokens_BL:
            self._table.probabilities(tokens_L)
        scored = self._tokens_BL[:, 1:].size / (time.perf_counter() - generated)
        return 1000 * (generated - started) / self._generated, scored
