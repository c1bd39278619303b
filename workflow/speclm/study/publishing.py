"""Publishing a run: what is small and finished goes to results/published/<preset>/, with a record of its origin.

In: the folder of a finished run. Out: its measurements and what was made of them, and run.json: commit, whether it was
dirty, processor, date, the configuration with what its study measures, and the checksum of every file of measurements.
Where the run has a study of variants, that goes to ablations/ with a record of its own.

    results/laptop/metrics.tsv, results/laptop/ablations/metrics.tsv
        -> results/published/laptop/metrics.tsv, run.json, ablations/metrics.tsv, ablations/run.json
"""

from __future__ import annotations

import shutil
from pathlib import Path

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, sha256, write_json
from speclm.study.environment import ENVIRONMENT
from speclm.study.record import ORIGIN, RECORD, read_record

MEASURED = {
    "metrics": "metrics.tsv",
    "documents": "documents.parquet",
    "histograms": "clusters/histograms.tsv",
    "timings": "timings.tsv",
    "serving": "serving.tsv",
}
MADE = (
    *("costs.tsv", "claims.tsv", "claim_parts.tsv", "clusters.tsv"),
    *("summary.txt", "relative_cost.txt"),
    *("assumptions.md", "clusters.md", "data_card.md"),
)
ABLATIONS = "ablations"
OF_VARIANTS = ("metrics", "documents", "timings")  # what the study of the variants measures itself
REPETITIONS = "clusters/repetitions.tsv"  # of k-means, which `make ablations` makes as well


def publish(run: Path, folder: Path) -> None:
    """Copy what is published of a finished run, with its record; and of its study of the variants, where it has one.

    Raises:
        UserError: the run is not finished.
    """
    record, page = read_record(run), run / "logs/write_assumptions.job.json"
    _refuse_absent([page, *(run / path for path in MEASURED.values())])
    settings = {**read_json(page)["settings"]["config"], **record.settings}
    sums = {Path(path).name: sha256(run / path) for path in MEASURED.values()}
    _copy_study(run, [run / path for path in MEASURED.values()], folder)
    write_json(folder / RECORD, {**record.origin, "settings": settings, "sha256": sums})
    variants, gathered = run / ABLATIONS, run / "logs" / ABLATIONS / "gather_metrics.summary.json"
    if (variants / "metrics.tsv").exists():
        own = [variants / MEASURED[name] for name in OF_VARIANTS] + [run / REPETITIONS]
        _refuse_absent([gathered, *own])
        summary = read_json(gathered)
        _copy_study(variants, own, folder / ABLATIONS)
        origin = {key: summary[key] for key in ORIGIN}
        sums = {**sums, **{path.name: sha256(path) for path in own}}
        write_json(
            folder / ABLATIONS / RECORD, {**origin, "settings": {**settings, **summary["settings"]}, "sha256": sums}
        )


def _refuse_absent(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise UserError(
                "is not there",
                where=path,
                remedy="run the workflow of this preset to its end first (laptop: make demo)",
            )


def _copy_study(study: Path, measured: list[Path], folder: Path) -> None:
    for path in (*measured, *(study / name for name in (*MADE, ENVIRONMENT) if (study / name).exists())):
        _copy(path, folder / path.name)
    for pattern in ("tables/*.*", "figures/figure_*", "cards/*/*.md"):
        for path in sorted(study.glob(pattern)):
            _copy(path, folder / path.relative_to(study))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
