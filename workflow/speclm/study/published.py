"""Published results: the small files of a finished run, and every table, figure and verdict made from them again.

In: results/published/<preset>/, where `publish` has put a run's measurements and a record of it (run.json: settings,
commit, machine, date, and the checksum of every file). Out: tables/, figures/, claims.tsv and claim_parts.tsv, without
torch, without training, and equal files for equal measurements. What the files do not allow is left as it is and told
why.

    metrics.tsv, documents.parquet, histograms.tsv, timings.tsv, serving.tsv    what everything is made from
    costs.tsv, claims.tsv, claim_parts.tsv, summary.txt, assumptions.md, tables/, figures/      what was made
    ablations/                                                                  the same of the study of the variants,
                                                                                with a record of its own
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, sha256, write_table, write_text
from speclm.stage.recipes import laid_over
from speclm.stage.settings import nearest
from speclm.study.assumptions import assumptions, origins_of
from speclm.study.claims import judge
from speclm.study.clustering import clusters_in_words
from speclm.study.cost import UNITS
from speclm.study.curves import Material
from speclm.study.environment import ENVIRONMENT, origin_environment
from speclm.study.evidence import Evidence, load_evidence
from speclm.study.figures import FIGURES, make_figure, write_figure
from speclm.study.layout import Table, to_markdown, write_files
from speclm.study.paper_claims import CLAIMS
from speclm.study.plan import KEY, Measurement, name_measurements
from speclm.study.publishing import ABLATIONS, MEASURED, OF_VARIANTS, REPETITIONS
from speclm.study.record import RECORD
from speclm.study.relative_cost import write_words
from speclm.study.report import find_files, write_report
from speclm.study.results import INTERVALS, NEEDS, RESULTS, RESULTS_OF_VARIANTS
from speclm.study.scale import compare, measured_counts, paper_counts, scale_table
from speclm.study.sensitivity import sensitivity
from speclm.study.sources import Sources, models_of
from speclm.study.stability import read_paper, summarise, to_page
from speclm.study.tables import TABLES, make_table


@dataclass(frozen=True)
class Published:
    """The published results of one study.

    Attributes:
        repository: holds config/methods.tsv, config/origins.tsv and the paper's numbers.
        main: of a study of variants, the study of the methods.
        cost: what costs are counted in, a key of `UNITS`; None: as in the run.
    """

    folder: Path
    repository: Path
    main: Published | None = None
    cost: str | None = None

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The run's configuration, and of its study what is measured ("study")."""
        settings: Mapping[str, Any] = read_json(self.folder / RECORD)["settings"]
        return settings if self.cost is None else laid_over(settings, {"figures": {"cost": self.cost}})

    @cached_property
    def variants(self) -> Published | None:
        """The study of the variants, if there is one."""
        folder = self.folder / ABLATIONS
        return Published(folder, self.repository, self, self.cost) if (folder / RECORD).exists() else None

    @property
    def results(self) -> list[str]:
        """Everything that may be made, "ablations/figure_7" of the study of the variants."""
        more = RESULTS_OF_VARIANTS if self.variants else ()
        return [*RESULTS, *(f"{ABLATIONS}/{name}" for name in more)]

    @cached_property
    def files(self) -> dict[str, Path]:
        """The measurements that are there, by name, each as the record says.

        Raises:
            UserError: one differs from the record: it is another run's, or was edited.
        """
        recorded = read_json(self.folder / RECORD)["sha256"]
        files = {name: self.folder / Path(path).name for name, path in MEASURED.items()}
        if self.main:
            files = {
                name: path if name in OF_VARIANTS else self.main.folder / path.name for name, path in files.items()
            }
            files["repetitions"] = self.folder / Path(REPETITIONS).name
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
        """The results, costs in the unit that the settings name.

        Raises:
            UserError: rows stand twice, or are another run's.
        """
        files = {**self.files, "methods": self.repository / "config/methods.tsv"}
        unit = UNITS[self.settings["figures"]["cost"]]
        evidence = load_evidence(files, self.settings["study"], self.settings["evaluate"], unit)
        if self.main:
            _refuse_others(evidence.metrics, self.main.evidence.metrics, files["metrics"])
        return evidence

    def study_of(self, result: str) -> Published:
        """The study that a result is of.

        Raises:
            UserError: it is of the variants, and none are published.
        """
        if not result.startswith(f"{ABLATIONS}/"):
            return self
        if self.variants is None:
            raise UserError(
                "nothing is published of variants", where=self.folder, remedy="make ablations, then publish"
            )
        return self.variants

    def lacks(self, result: str) -> list[str]:
        """The files that a result needs and that are not there."""
        needed = [*NEEDS.get(result, ()), *(["documents", "histograms"] if result in INTERVALS else [])]
        names = {**MEASURED, "repetitions": REPETITIONS}
        return [Path(names[name]).name for name in needed if name not in self.files]

    def make(self, result: str, output: Path) -> str:
        """Make one of `results` below `output`; returns what is to be said of it, nothing where all is well."""
        study, (*folders, own) = self.study_of(result), result.split("/")
        if folders:
            return study.make(own, output.joinpath(*folders))
        lacking = self.lacks(result)
        if lacking:
            return f"not made: {' and '.join(lacking)} not published"
        kind, _, name = result.partition("_")
        makers = {
            **{"table": self._table, "figure": self._figure, "claims": self._claims, "report": self._report},
            **{"sensitivity": self._sensitivity, "assumptions": self._assumptions, "clusters": self._clusters},
            **{"scale": self._scale, "relative": self._relative_cost},
        }
        try:
            return makers[kind](name, output)
        except UserError as error:  # a figure of a size or of variants that the study does not have
            return f"not made: {str(error).splitlines()[0]}"

    def _table(self, name: str, output: Path) -> str:
        _write(make_table(int(name), self._sources), output / "tables" / f"table_{name}")
        return ""

    def _figure(self, name: str, output: Path) -> str:
        overlaid = self.settings["figures"]["paper"] == "overlaid"
        drawing = make_figure(name, Material(self.evidence, self._paper, overlaid))
        stem = output / "figures" / f"figure_{name}"
        write_figure(drawing, *(stem.with_suffix(form) for form in (".pdf", ".png", ".tsv")))
        incomplete = any(axes.get_title(loc="left").startswith("INCOMPLETE") for axes in drawing.figure.axes)
        return "incomplete: says what is missing" if incomplete else ""

    def _claims(self, name: str, output: Path) -> str:
        judged = judge(self.evidence)
        write_table(output / "claims.tsv", judged.claims)
        write_table(output / "claim_parts.tsv", judged.parts)
        return ""

    def _scale(self, name: str, output: Path) -> str:
        counts = measured_counts(self.settings, self.evidence.metrics, read_table(self.files["histograms"]))
        _write(scale_table(compare(counts, paper_counts(self._paper))), output / "tables/scale")
        return ""

    def _relative_cost(self, name: str, output: Path) -> str:
        chosen, e = self.settings["pretrain"]["relative_cost"], self.evidence
        write_words(chosen, e.metrics, read_table(self.files["timings"]), e.plan, output / "relative_cost.txt")
        return ""

    def _sensitivity(self, name: str, output: Path) -> str:
        _write(sensitivity(self.evidence), output / "tables/sensitivity")
        return ""

    def _assumptions(self, name: str, output: Path) -> str:
        config = {key: value for key, value in self.settings.items() if key != "study"}
        origins = read_table(self.repository / "config" / origins_of(config["run"]))
        table = to_markdown(sensitivity(self.evidence)) if self.main else ""
        page = assumptions(config, origins, table)
        write_text(output / "assumptions.md", page)
        return ""

    def _clusters(self, name: str, output: Path) -> str:
        summary = summarise(read_table(self.files["repetitions"]), read_paper(self._paper))
        write_table(output / "clusters.tsv", summary)
        write_text(output / "clusters.md", to_page(summary))
        return ""

    def _report(self, name: str, output: Path) -> str:
        recorded = self.folder / ENVIRONMENT
        environment = read_json(recorded) if recorded.exists() else origin_environment(read_json(self.folder / RECORD))
        files = find_files((output, self.folder), self.repository)
        write_report(files, self.settings, environment, output / "report.html", variants=self.main is not None)
        return "" if self.main or "data_card" in files else "without what is not published: data_card.md"

    @property
    def _paper(self) -> Path:
        return self.repository / "config/reference/paper"

    @cached_property
    def _sources(self) -> Sources:
        chosen, tables = self.settings, ("histograms", "timings", "serving")
        histograms, timings, serving = (
            read_table(self.files[name]) if name in self.files else pd.DataFrame() for name in tables
        )
        models = models_of(chosen)
        deviations = chosen.get("deviations", {})  # runs of before these were noted had none
        clusters = clusters_in_words(chosen) if "embedder" in chosen else ""
        return Sources(self.evidence, histograms, models, timings, serving, self._paper, deviations, clusters)


def open_published(preset: str, repository: Path, cost: str | None = None) -> Published:
    """The published results of a preset, costs in the run's own unit or another.

    Raises:
        UserError: there are none of this name.
    """
    folder = repository / "results/published"
    known = sorted(path.parent.name for path in folder.glob(f"*/{RECORD}"))
    if preset not in known:
        raise UserError(
            f'nothing is published of a preset "{preset}"{nearest(preset, known)}',
            where=folder,
            remedy=f"take one of {', '.join(known) or 'none'}; or run the preset, then make publish PRESET=…",
        )
    return Published(folder / preset, repository, cost=cost)


def choose(names: list[str], published: Published) -> list[str]:
    """The results of these names; all without any. "claim_7" is a row of claims.

    Raises:
        UserError: an unknown name.
    """
    claims = [f"claim_{claim.number}" for claim in CLAIMS]
    known = [*RESULTS, *claims, *(f"{ABLATIONS}/{name}" for name in (*RESULTS_OF_VARIANTS, *claims))]
    # what only the study of the variants has goes by its own name, too
    alone = {name: f"{ABLATIONS}/{name}" for name in RESULTS_OF_VARIANTS if name not in RESULTS}
    chosen = [alone.get(name, name) for name in names]
    for name in chosen:
        if name not in known:
            figures = f"figures: {', '.join(FIGURES)}"
            raise UserError(
                f'there is no result "{name}"{nearest(name, [*known, *alone])}',
                remedy=f"tables: {', '.join(map(str, TABLES))}; {figures}; claims or claim_1 to 17; assumptions, "
                f"sensitivity, scale, relative_cost; of the study of the variants {ABLATIONS}/…",
            )
        published.study_of(name)
    return chosen or published.results


def make_all(published: Published, names: list[str], output: Path) -> Iterator[tuple[str, str]]:
    """Make results one by one: the name of each, and what is to be said of it."""
    for name in names:
        yield name, published.make(name, output)


def _refuse_others(metrics: pd.DataFrame, main: pd.DataFrame, where: Path) -> None:
    """The study of the variants measures the methods, too: with the same numbers where both are of one run."""
    both = metrics.merge(main[[*KEY, "nll"]], on=KEY, suffixes=("", "_main"))
    strange = both.loc[both["nll"] != both["nll_main"], KEY]
    if len(strange):
        names = [Measurement._make(row) for row in strange.itertuples(index=False)]
        raise UserError(
            f"not the number that the study of the methods has: {name_measurements(names, most=8)}",
            where=where,
            remedy="publish both studies of one run: these rows come from another",
        )


def _write(table: Table, stem: Path) -> None:
    write_files(table, *(stem.with_suffix(form) for form in (".tsv", ".md", ".tex")))
