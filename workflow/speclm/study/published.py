"""Published results: the small files of a finished run, and every table, figure and verdict made from them again.

In: results/published/<preset>/, where `publish` has put a run's measurements and a record of it (run.json: settings,
commit, machine, date, and the checksum of every file). Out: tables/, figures/ and claims.tsv, without torch, without
training, and equal files for equal measurements. What the files do not allow is left as it is and told why.

    metrics.tsv, documents.parquet, histograms.tsv, timings.tsv, serving.tsv    what everything is made from
    costs.tsv, claims.tsv, summary.txt, tables/, figures/                       what was made
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, sha256, write_json, write_table
from speclm.stage.settings import nearest
from speclm.study.claims import CLAIMS, judge
from speclm.study.cost import UNITS
from speclm.study.curves import Material
from speclm.study.evidence import Evidence, load_evidence
from speclm.study.figures import FIGURES, make_figure
from speclm.study.layout import write_files
from speclm.study.record import RECORD, read_record
from speclm.study.sources import Sources, models_of
from speclm.study.style import save_figure
from speclm.study.tables import TABLES, make_table

MEASURED = {
    "metrics": "metrics.tsv",
    "documents": "documents.parquet",
    "histograms": "clusters/histograms.tsv",
    "timings": "timings.tsv",
    "serving": "serving.tsv",
}
MADE = ("costs.tsv", "claims.tsv", "summary.txt")
# what a result cannot be made without, beside metrics.tsv
NEEDS = {"table_2": ("timings", "serving"), "table_9": ("histograms",), "table_10": ("histograms",)}
INTERVALS = ("table_4", "table_5", "table_8", "claims")  # that are made of intervals


@dataclass(frozen=True)
class Published:
    """The published results of one run. `repository` holds config/methods.tsv and the paper's numbers."""

    folder: Path
    repository: Path

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Of the run: study, evaluate, models, pretrain, tokenizer, context, figures."""
        settings: Mapping[str, Any] = read_json(self.folder / RECORD)["settings"]
        return settings

    @cached_property
    def files(self) -> dict[str, Path]:
        """The measurements that are there, by name, each as the record says.

        Raises:
            UserError: one differs from the record: it is another run's, or was edited.
        """
        recorded = read_json(self.folder / RECORD)["sha256"]
        files = {name: self.folder / Path(path).name for name, path in MEASURED.items()}
        files = {name: path for name, path in files.items() if path.exists()}
        for path in files.values():
            if recorded.get(path.name) != sha256(path):
                raise UserError(
                    f"is not the file of the run that {RECORD} tells of",
                    where=path,
                    remedy="take all files of one run: make publish PRESET=… copies them with their record",
                )
        return files

    @cached_property
    def evidence(self) -> Evidence:
        """The results, costs in the unit that the settings name."""
        files = {**self.files, "methods": self.repository / "config/methods.tsv"}
        unit = UNITS[self.settings["figures"]["cost"]]
        return load_evidence(files, self.settings["study"], self.settings["evaluate"], unit)

    def lacks(self, result: str) -> list[str]:
        """The files that a result needs and that are not there."""
        needed = [*NEEDS.get(result, ()), *(["documents", "histograms"] if result in INTERVALS else [])]
        return [Path(MEASURED[name]).name for name in needed if name not in self.files]

    def make(self, result: str, output: Path) -> str:
        """Make one of `RESULTS` below `output`; returns what is to be said of it, nothing where all is well."""
        lacking = self.lacks(result)
        if lacking:
            return f"not made: {' and '.join(lacking)} not published"
        kind, _, name = result.partition("_")
        try:
            return {"table": self._table, "figure": self._figure, "claims": self._claims}[kind](name, output)
        except UserError as error:  # a figure of a size that the study does not have
            return f"not made: {str(error).splitlines()[0]}"

    def _table(self, name: str, output: Path) -> str:
        stem = output / "tables" / f"table_{name}"
        write_files(make_table(int(name), self._sources), *(stem.with_suffix(form) for form in (".tsv", ".md", ".tex")))
        return ""

    def _figure(self, name: str, output: Path) -> str:
        overlaid = self.settings["figures"]["paper"] == "overlaid"
        figure = make_figure(name, Material(self.evidence, self._sources.paper, overlaid))
        stem = output / "figures" / f"figure_{name}"
        save_figure(figure, stem.with_suffix(".pdf"), stem.with_suffix(".png"))
        incomplete = any(axes.get_title(loc="left").startswith("INCOMPLETE") for axes in figure.axes)
        return "incomplete: says what is missing" if incomplete else ""

    def _claims(self, name: str, output: Path) -> str:
        write_table(output / "claims.tsv", judge(self.evidence))
        return ""

    @cached_property
    def _sources(self) -> Sources:
        chosen, tables = self.settings, ("histograms", "timings", "serving")
        histograms, timings, serving = (
            read_table(self.files[name]) if name in self.files else pd.DataFrame() for name in tables
        )
        models = models_of(chosen)
        paper = self.repository / "config/reference/paper"
        return Sources(self.evidence, histograms, models, timings, serving, paper)


RESULTS = (*(f"table_{name}" for name in TABLES), *(f"figure_{name}" for name in FIGURES), "claims")


def open_published(preset: str, repository: Path) -> Published:
    """The published results of a preset.

    Raises:
        UserError: there are none of this name.
    """
    folder = repository / "results/published"
    known = sorted(path.parent.name for path in folder.glob(f"*/{RECORD}"))
    if preset not in known:
        raise UserError(
            f'nothing is published of a preset "{preset}"{nearest(preset, known)}',
            where=folder,
            remedy=f"ask for one of {', '.join(known) or 'none'}, or run it and publish it",
        )
    return Published(folder / preset, repository)


def choose(names: list[str]) -> list[str]:
    """The results of these names; all without any. "claim_7" is a row of claims.

    Raises:
        UserError: an unknown name.
    """
    known = [*RESULTS, *(f"claim_{claim.number}" for claim in CLAIMS)]
    for name in names:
        if name not in known:
            raise UserError(
                f'there is no result "{name}"{nearest(name, known)}',
                remedy=f"tables: {', '.join(map(str, TABLES))}; figures: {', '.join(FIGURES)}; claims or claim_1 to 17",
            )
    return names or list(RESULTS)


def make_all(published: Published, names: list[str], output: Path) -> Iterator[tuple[str, str]]:
    """Make results one by one: the name of each, and what is to be said of it."""
    for name in names:
        yield name, published.make(name, output)


def publish(run: Path, folder: Path) -> None:
    """Copy what is published of a finished run, with its record.

    Raises:
        UserError: the run is not finished.
    """
    absent = [path for path in MEASURED.values() if not (run / path).exists()]
    if absent:
        raise UserError(
            "is not there", where=run / absent[0], remedy="run the workflow of this preset to its end first"
        )
    record = read_record(run)
    for name in (*MEASURED.values(), *MADE):
        _copy(run / name, folder / Path(name).name)
    for path in (*sorted(run.glob("tables/table_*")), *sorted(run.glob("figures/figure_*"))):
        _copy(path, folder / path.parent.name / path.name)
    sums = {Path(path).name: sha256(folder / Path(path).name) for path in MEASURED.values()}
    write_json(folder / RECORD, {**record.origin, "settings": record.settings, "sha256": sums})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
