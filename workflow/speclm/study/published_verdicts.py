"""A run's verdicts beside those of the published study: what `make demo` prints last.

A demo has one seed, by which no order of methods can be told; the study has several, so it is what claims are judged
by. In go the claims.tsv of both and the study's record; out comes a line for each claim, in at most 100 columns:

    claim                                             this run                  published study
    1. Pretraining and fine-tuning are both needed    one seed: cannot tell     holds in 5 of 6 parts
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.files import read_json, read_table
from speclm.study.layout import count
from speclm.study.overview import WIDTH
from speclm.study.record import RECORD

_COLUMNS = 50, 26  # of a claim's words and of the run's verdict; the published one takes what is left


def beside_published(claims: pd.DataFrame, study: Path) -> str:
    """The verdicts of both, or what to do where no study is published.

    Args:
        claims: claims.tsv of the run.
        study: folder of the published study.
    """
    if not (study / RECORD).exists():
        return f"No study is published in {study}: make study trains one, over several seeds.\n"
    theirs = read_table(study / "claims.tsv").set_index("claim")["verdict"]
    told = f"Beside the published study, by which claims are judged ({_extent(read_json(study / RECORD))}):"
    lines = [*textwrap.wrap(told, WIDTH), "", _row("claim", "this run", "published study")]
    for claim, verdict in zip(claims["claim"], claims["verdict"], strict=True):
        first, *rest = textwrap.wrap(str(claim), _COLUMNS[0] - 2, subsequent_indent="    ")
        lines += [_row(first, verdict, theirs.get(claim, "not judged")), *rest]
    return "\n".join([*lines, ""])


def _row(claim: str, ours: str, theirs: str) -> str:
    return f"{claim:<{_COLUMNS[0]}}{ours:<{_COLUMNS[1]}}{theirs}"


def _extent(record: Mapping[str, Any]) -> str:
    study = record["settings"]["study"]
    seeds, domains = (f"{len(study[key])} {key if len(study[key]) > 1 else key[:-1]}" for key in ("seeds", "domains"))
    return f"{seeds}, {domains}, budgets of {count(study['budgets'][0])} to {count(study['budgets'][-1])} tokens"
