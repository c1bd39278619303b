"""What every measurement is given: configuration, windows to train on, text, the workflow's environment, how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from speclm.bench.corpus import Corpus, make_corpus
from speclm.bench.training import Training, training_of, write_windows
from speclm.stage import allocator

WINDOWS = 4096


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        config: the laptop study's configuration.
        repository, folder: the workflow's checkout; a place for files, gone afterwards.
        rounds, seconds: of every contest: how many, and how long one turn lasts.
        text_bytes: of the text that the data stages are measured on.
    """

    config: Mapping[str, Any]
    repository: Path
    folder: Path
    rounds: int
    seconds: float
    text_bytes: int

    @property
    def environment(self) -> dict[str, str]:
        """What the workflow exports to every stage."""
        return allocator.environment()

    @property
    def profiled_environment(self) -> dict[str, str]:
        """The same for a process that the profiler watches: without its lines on the terminal, and without huge pages,
        whose first use the profiler's own growing records would add to ours."""
        variables = {**self.environment, "KINETO_LOG_LEVEL": "9"}
        return {name: value for name, value in variables.items() if name != "GLIBC_TUNABLES"}

    @cached_property
    def corpus(self) -> Corpus:
        """Text in all forms, made when first asked for."""
        return make_corpus(self.config, self.repository / "config/datasets.tsv", self.text_bytes, self.folder / "text")

    def training(self, method: str) -> Training:
        """The pretraining of a method, on windows that are made when first asked for."""
        vocabulary, context = self.config["tokenizer"]["vocabulary"], self.config["context"]
        store = self.folder / "windows.bin"
        if not store.exists():
            write_windows(store, vocabulary, context, WINDOWS, self.config["seeds"][0])
        return training_of(self.config, method, store)
