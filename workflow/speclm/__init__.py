"""speclm: small specialised language models under explicit budgets (arXiv 2402.01093).

The rooms follow the flow of data; imports run only downwards in this list:

    bench     speed and memory of training, beside peers and the machine's own rate
    study     metrics, costs, claims, tables, figures          (no torch)
    train     the training loop and everything that calls it
    model     transformer, projected network, mixture
    cluster   embeddings, k-means, histograms, importance sampling
    data      documents, splits, tokenizer, token windows
    stage     jobs, settings, errors, random streams, files    (all that knows of Snakemake)

The numbers of a run, for a notebook: ``speclm.load("results/laptop").metrics``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speclm.study.numbers import Numbers

__version__ = "0.1.0"


def load(folder: str | Path) -> Numbers:
    """The tables of a run as DataFrames, and what their columns mean; see `speclm.study.numbers`."""
    from speclm.study.numbers import load as read

    return read(folder)
