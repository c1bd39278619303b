"""The numbers of a run for a notebook: its tables as DataFrames, and what every column means.

In: the folder of a finished run, of its variants, or of published results. Out: `Numbers`, whose tables are read when
they are asked for. What the columns mean stands once, in workflow/schemas/columns.tsv.

    import speclm
    run = speclm.load("results/laptop")
    run.metrics.query("domain == 'sympy' and size == 1000")[["method", "budget", "perplexity"]]
    run.glossary.loc["perplexity"]
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.stage.settings import nearest

COLUMNS = Path(__file__).parents[2] / "schemas/columns.tsv"
# In a run's folder, and where its results are published.
FILES = {
    "metrics": ["metrics.tsv"],
    "documents": ["documents.parquet"],
    "claims": ["claims.tsv"],
    "claim_parts": ["claim_parts.tsv"],
    "costs": ["costs.tsv"],
    "timings": ["timings.tsv"],
    "serving": ["serving.tsv"],
    "histograms": ["histograms.tsv", "clusters/histograms.tsv"],
}
ELSEWHERE = {"claim_parts": "claims"}  # the tables whose meanings hold for a column that a table does not list


def load(folder: str | Path) -> Numbers:
    """The numbers of a run.

    Args:
        folder: results/laptop, results/laptop/ablations, results/published/laptop.

    Raises:
        UserError: the folder is not there, or is not that of a run whose measurements are made.
    """
    place = Path(folder)
    if not (place / "metrics.tsv").is_file():
        there = sorted(path.parent.name for path in place.parent.glob("*/metrics.tsv"))
        known = f"{nearest(place.name, there)}; there: {', '.join(there)}" if there else ""
        message = "holds no finished run (no metrics.tsv)" if place.is_dir() else "is not there"
        if place.is_file():
            message = "is a file; what is asked for is the folder of a run"
        raise UserError(
            f"{message}{known}",
            where=place,
            remedy="finish the run (snakemake --cores 2), or take results/published/laptop; relative paths start where "
            "the notebook or program was started",
        )
    return Numbers(place)


def read_columns() -> pd.DataFrame:
    """The meanings of all columns: table, column, unit, meaning."""
    return read_table(COLUMNS)


class Numbers:
    """Tables of one run; one that it has not made is a UserError when it is asked for.

    glossary: by column, for all tables that are there: table, meaning, unit.
    """

    metrics: pd.DataFrame
    documents: pd.DataFrame
    claims: pd.DataFrame
    claim_parts: pd.DataFrame
    costs: pd.DataFrame
    timings: pd.DataFrame
    serving: pd.DataFrame
    histograms: pd.DataFrame

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getattr__(self, name: str) -> pd.DataFrame:
        """A table, read once."""
        if name not in FILES:
            raise AttributeError(f'no table "{name}"{nearest(name, FILES)}: {", ".join(self.tables)}')
        path = self._path(name)
        if path is None:
            raise UserError(
                f"was not made: {FILES[name][0]} is not there",
                where=self.folder,
                remedy=f"one of {', '.join(self.tables)}",
            )
        table = pd.read_parquet(path) if path.suffix == ".parquet" else read_table(path)
        setattr(self, name, table)
        return table

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables]

    def __repr__(self) -> str:
        return f"{self.folder}: {', '.join(self.tables)}; glossary"

    @property
    def tables(self) -> list[str]:
        """Those that are there."""
        return [name for name in FILES if self._path(name)]

    @cached_property
    def glossary(self) -> pd.DataFrame:
        """What the columns mean, by column: table, meaning, unit."""
        return pd.concat([meanings(name, list(getattr(self, name).columns)) for name in self.tables])

    def _path(self, name: str) -> Path | None:
        return next((path for file in FILES[name] if (path := self.folder / file).is_file()), None)


def meanings(table: str, columns: list[str]) -> pd.DataFrame:
    """The meanings of a table's columns, by column: table, meaning, unit; those of metrics.tsv where it has none."""
    known = {(row["table"], row["column"]): row for row in read_columns().to_dict("records")}
    rows = []
    for column in columns:
        source = next(place for place in (table, ELSEWHERE.get(table), "metrics") if (place, column) in known)
        rows.append({**known[source, column], "table": table})
    return pd.DataFrame(rows).set_index("column")[["table", "meaning", "unit"]]
