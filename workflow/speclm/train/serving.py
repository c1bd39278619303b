"""What serving a specialised model costs, measured: the inference column of the paper's table 2.

One file of weights per method goes in, and the tables of the 5-grams (ngram/serving.py); a table with one row per
method comes out:

    generating   batch 1: milliseconds per token, one after the other, keys and values kept (model/decoding.py); the
                 last tokens of a context, at most `GENERATED`
    scoring      full batch: tokens per second in the forward passes that evaluation makes
    at rest      bytes of the weights, and of the keys and values of one text of full length
    counted      FLOPs per token (model/size.py)

All models take turns, `ROUNDS` times after one turn that does not count, so that what slows the machine for a while
slows all of them. Of 7 rounds the lowest and the highest are a 98 % interval for the median. Weights are served in the
engine's precision: as bfloat16 where that is it, else as float32.

Example: 127 tokens in 44.5 ms are 0.35 ms per token; 64 windows of 128 tokens in 0.1 s are 81,920 tokens per second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from speclm.model.decoding import Decoding, greedy
from speclm.model.size import ModelSize, forward_flops_per_token, parameter_count
from speclm.model.transformer import Transformer
from speclm.model.weights import load_weights
from speclm.ngram.serving import ServedNgram
from speclm.stage.errors import UserError
from speclm.stage.files import read_json
from speclm.train.engine import Engine, machine, prepare
from speclm.train.memory import enough_memory

ROUNDS = 7
GENERATED = 128
MEASURED = ["ms_per_token", "ms_low", "ms_high", "tokens_per_second", "tokens_per_second_low", "tokens_per_second_high"]


@enough_memory("evaluate.batch")
def measure_serving(
    weights: Sequence[Path], batch_windows: int, engine: Engine, ngrams: Sequence[Path] = ()
) -> pd.DataFrame:
    """One row per file of weights or table of n-grams, by method. `MEASURED` columns differ from run to run, the others
    do not.

    Args:
        batch_windows: windows of one scoring pass.
    """
    device = prepare(engine)
    dtype = torch.bfloat16 if engine.precision == "bfloat16" else torch.float32
    networks = [_Served(path, batch_windows, dtype, device) for path in weights]
    context = networks[0].facts["context"]
    counted = [ServedNgram(path, batch_windows, context, min(GENERATED, context - 1)) for path in ngrams]
    served: list[_Served | ServedNgram] = sorted([*networks, *counted], key=lambda model: model.method)
    rounds = [[model.turn() for model in served] for _ in range(1 + ROUNDS)][1:]
    made = machine(engine)
    rows = []
    for number, model in enumerate(served):
        generating, scoring = zip(*(turns[number] for turns in rounds), strict=True)
        figures = dict(zip(MEASURED, (*_spread(generating), *_spread(scoring)), strict=True))
        used = {"threads": engine.threads, "precision": engine.precision}
        rows.append({**model.facts, **figures, **used, "device": made["device"], "host": made["host"]})
    return pd.DataFrame(rows)


def served_weights(folder: Path) -> Path:
    """Of a folder of specialised models, the one with the largest size and budget; the first by name of several.

    Raises:
        UserError: the folder holds no model.
    """
    facts = {path: read_json(path)["meta"] for path in sorted(folder.glob("*.json"))}
    if not facts:
        raise UserError("holds no model", where=folder, remedy="run the specialisation again")
    return max(facts, key=lambda path: (facts[path]["size"], facts[path]["budget"])).with_suffix(".safetensors")


class _Served:
    """A model that is ready to answer."""

    def __init__(self, path: Path, batch_windows: int, dtype: torch.dtype, device: torch.device) -> None:
        state, meta = load_weights(path)
        size = ModelSize(**meta["model"])
        self.method: str = meta["method"]
        self._model = Transformer(size)
        self._model.load_state_dict(state)
        self._model.to(device, dtype).eval()
        self._tokens_BL = _tokens(batch_windows, size.context + 1, size.vocabulary, device)
        self._generated = min(GENERATED, size.context - 1)
        self.facts: dict[str, Any] = {
            "method": self.method,
            "parameters": parameter_count(size),
            "bytes_weights": parameter_count(size) * dtype.itemsize,
            "bytes_text": 2 * size.layers * size.context * size.width * dtype.itemsize,
            "flops_per_token": forward_flops_per_token(size),
            "context": size.context,
            "batch": batch_windows,
            "generated": self._generated,
        }

    def turn(self) -> tuple[float, float]:
        """Milliseconds per token generated, and tokens per second scored."""
        return self._generate(), self._score()

    def _generate(self) -> float:
        decoding = Decoding(self._model)
        new_1T = greedy(decoding.step(self._tokens_BL[:1, : -1 - self._generated]))[:, None]
        seconds = _seconds(lambda: self._continue(decoding, new_1T), new_1T.device)
        return 1000 * seconds / self._generated

    def _continue(self, decoding: Decoding, new_1T: Tensor) -> None:
        for _ in range(self._generated):
            new_1T = greedy(decoding.step(new_1T))[:, None]

    def _score(self) -> float:
        seconds = _seconds(lambda: self._model.nll(self._tokens_BL), self._tokens_BL.device)
        return self._tokens_BL[:, 1:].numel() / seconds


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall-clock seconds of some work, until the device has done all of it."""
    _wait(device)
    started = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _tokens(windows: int, length: int, vocabulary: int, device: torch.device) -> Tensor:
    """Some tokens: which ones makes no difference to the time."""
    return (torch.arange(windows * length, device=device) * 7919 % vocabulary).view(windows, length)


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return median(values), min(values), max(values)
