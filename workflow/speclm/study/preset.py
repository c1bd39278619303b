"""The plan of a preset: its configuration and tables are read, its jobs counted, and what they take is told.

    plan_preset(repository, "paper", "all", None, "H100", 0.4) -> "Plan of paper: 253 jobs …"

Nothing is trained or read of the corpora, which need not be there: how large they are is said by the run's own manifest
once it has collected them, before that by config/reference/corpora.tsv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table
from speclm.stage.graph import read_graph
from speclm.stage.settings import nearest
from speclm.study.forecast import make_forecast, write_forecast
from speclm.study.plan import GENERIC
from speclm.study.speed import choose_speed
from speclm.study.work import Corpus, Study

DEFAULT = "laptop"  # config/config.yaml


def plan_preset(
    repository: Path, preset: str, target: str, tokens_per_second: float | None, gpu: str | None, mfu: float | None
) -> str:
    """The plan in words of a target ("all" or "ablations"); numbers left out are measured or assumed (see `speed`).

    Raises:
        UserError: an unknown preset, a configuration that is refused, a data set of unknown size, and those of `speed`.
    """
    config, jobs = read_graph(repository, [preset_file(repository, preset)], target)
    tables = {name: read_table(repository / f"config/{name}.tsv") for name in ("methods", "domains", "datasets")}
    study = make_study(config, tables, repository)
    results = repository / "results"
    chosen = tokens_per_second, gpu, mfu
    speed = choose_speed(results, config["run"], config["engine"]["device"], study.size("slm"), *chosen)
    forecast = make_forecast(study, jobs, speed, read_table(repository / "config/reference/durations.tsv"))
    what = "" if target == "all" else f", {target}"
    title = f"Plan of {config['run']} ({preset}{what}): {len(jobs)} jobs, of which none is done"
    return write_forecast(forecast, speed, title, list(_notes(study, tables["datasets"], repository)))


def presets(repository: Path) -> dict[str, Path]:
    """The configuration of each preset, by name."""
    found = {path.stem: path for path in sorted((repository / "config").glob("*.yaml"))}
    return {DEFAULT: found.pop("config"), **found}


def preset_file(repository: Path, name: str) -> Path:
    """The configuration file of a preset, or the file of that name.

    Raises:
        UserError: there is neither.
    """
    known = presets(repository)
    if name in known:
        return known[name]
    if Path(name).suffix in (".yaml", ".yml") and Path(name).is_file():
        return Path(name)
    raise UserError(f'unknown preset "{name}"{nearest(name, known)}', key="PRESET", remedy=f"one of {', '.join(known)}")


def make_study(config: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], repository: Path) -> Study:
    """A configuration with the size of its corpora.

    Raises:
        UserError: a data set of unknown size.
    """
    domains = tables["domains"].set_index("domain")["dataset"]
    datasets = {GENERIC: config["documents"]["generic"], **{domain: domains[domain] for domain in config["domains"]}}
    sizes = _by_dataset(read_table(repository / "config/reference/corpora.tsv"))
    manifests = repository / "results" / config["run"] / "documents"
    corpora = {dataset: _corpus(dataset, sizes, manifests) for dataset in datasets.values()}
    return Study(config, tables["methods"], corpora, datasets)


def _corpus(dataset: str, sizes: Mapping[str, Any], manifests: Path) -> Corpus:
    manifest = manifests / f"{dataset}.manifest.json"
    if manifest.is_file():
        facts = read_json(manifest)
        return Corpus(facts["documents"], facts["characters"])
    if dataset not in sizes:
        raise UserError(
            f'how large "{dataset}" is, is not known',
            where="config/reference/corpora.tsv",
            key="dataset",
            remedy="add a row with its documents and megabytes of text",
        )
    return Corpus(int(sizes[dataset]["documents"]), int(1e6 * sizes[dataset]["megabytes"]))


def _by_dataset(table: pd.DataFrame) -> dict[str, Any]:
    return {row["dataset"]: row for row in table.to_dict("records")}


def _notes(study: Study, datasets: pd.DataFrame, repository: Path) -> Iterable[str]:
    yield (
        "Assumed: corpora as large as config/reference/corpora.tsv says; fine-tuning and k-means to their most steps; "
        "looks at validation not counted; core hours at the speed of the laptop run, one core a job."
    )
    rows = _by_dataset(datasets)
    wanted = [
        pattern
        for dataset in sorted(set(study.datasets.values()))
        for pattern in (rows[dataset]["source"].split() if rows[dataset]["kind"] == "files" else [])
    ]
    missing = [pattern for pattern in wanted if not _is_there(repository / pattern)]
    if missing:
        yield f"Not there yet (config/README.md says what they hold): {', '.join(missing)}"
    largest = max(study.config["specialize"]["sizes"])
    small = [domain for domain in study.config["domains"] if study.tokens(domain, "train") < largest]
    if small:
        yield f"Fewer tokens than the largest size of {largest:,}, by this estimate: {', '.join(small)}"


def _is_there(pattern: Path) -> bool:
    return any(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
