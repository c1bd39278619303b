"""The plan of a preset: its configuration and tables are read, its jobs counted, and told what they take and how the
study's scale compares with the paper's.

    plan_preset(repository, "paper", "all", None, "H100", 0.4) -> "Plan of paper: 6,483 jobs …"

Nothing is trained or read of the corpora, which need not be there: how large they are is said by the run's own manifest
once it has collected them, before that by config/reference/corpora.tsv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.data.shards import list_shards, read_datasets
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table
from speclm.stage.graph import read_graph
from speclm.stage.settings import nearest
from speclm.study.extent import Corpus, Study
from speclm.study.forecast import WIDTH, make_forecast, write_forecast
from speclm.study.plan import GENERIC
from speclm.study.scale import compare, paper_counts, planned_counts, to_text
from speclm.study.speed import choose_speed

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
    title = f"Plan of {config['run']} ({preset}{what}): {len(jobs)} jobs where none is done yet"
    told = write_forecast(forecast, speed, title, list(_notes(study, tables["datasets"], repository)))
    generic = study.tokens(GENERIC, "train"), study.windows(GENERIC, "train")
    scale = compare(planned_counts(config, *generic), paper_counts(repository / "config/reference/paper"))
    return f"{told}\n{to_text(scale, WIDTH)}"


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
    with chdir(repository):  # where local files are looked for
        shards = {
            name: len(list_shards(dataset)) or 1
            for name, dataset in read_datasets(tables["datasets"], datasets.values()).items()
        }
    corpora = {dataset: _corpus(dataset, sizes, manifests, shards[dataset]) for dataset in datasets.values()}
    return Study(config, tables["methods"], corpora, datasets)


def _corpus(dataset: str, sizes: Mapping[str, Any], manifests: Path, shards: int) -> Corpus:
    collected = [manifests / dataset / f"{shard:05d}.json" for shard in range(shards)]
    if all(manifest.is_file() for manifest in collected):
        facts = [read_json(manifest) for manifest in collected]
        documents, characters = (sum(fact[key] for fact in facts) for key in ("documents", "characters"))
        return Corpus(documents, characters, shards)
    if dataset not in sizes:
        raise UserError(
            f'how large "{dataset}" is, is not known',
            where="config/reference/corpora.tsv",
            key="dataset",
            remedy="add a row with its documents and megabytes of text",
        )
    return Corpus(int(sizes[dataset]["documents"]), int(1e6 * sizes[dataset]["megabytes"]), shards)


def _by_dataset(table: pd.DataFrame) -> dict[str, Any]:
    return {row["dataset"]: row for row in table.to_dict("records")}


def _notes(study: Study, datasets: pd.DataFrame, repository: Path) -> Iterable[str]:
    yield (
        "Assumed: corpora as large as config/reference/corpora.tsv says; fine-tuning and k-means to their most steps; "
        "looks at validation not counted; core hours at the speed of the laptop run, one core a job."
    )
    chosen = read_datasets(datasets, study.datasets.values())
    with chdir(repository):
        missing = [row.source for row in chosen.values() if row.kind == "files" and not list_shards(row)]
    if missing:
        yield f"Not there yet (config/README.md says what they hold): {', '.join(missing)}"
    fetched = {row.source.rsplit("/", 1)[0] for row in chosen.values() if row.kind == "hub"}
    if fetched:
        yield f"Read from the hub, or from the local mirror: {', '.join(sorted(fetched))}"
    largest = max(study.config["specialize"]["sizes"])
    small = [domain for domain in study.config["domains"] if study.tokens(domain, "train") < largest]
    if small:
        yield f"Fewer tokens than the largest size of {largest:,}, by this estimate: {', '.join(small)}"
