"""The plan of a preset: its configuration and tables are read, its jobs counted, and told what they take and how the
study's scale compares with the paper's.

    plan_preset(repository, "paper", "all", None, "H100", 0.4, 2, probe_machine) -> "Plan of paper: 6,483 jobs …"

Nothing is trained or read of the corpora, which need not be there: how large they are is said by the run's own manifest
once it has collected them, before that by config/reference/corpora.tsv.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.data.shards import list_shards, read_datasets
from speclm.model.size import training_flops_per_token
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table
from speclm.stage.graph import read_graph
from speclm.stage.pace import in_words
from speclm.stage.settings import nearest
from speclm.study.extent import Corpus, Study
from speclm.study.forecast import WIDTH, make_forecast, write_forecast
from speclm.study.plan import GENERIC
from speclm.study.scale import compare, paper_counts, planned_counts, to_text
from speclm.study.speed import Speed, choose_speed, probed_speed
from speclm.study.work import work_of

DEFAULT = "laptop"  # config/config.yaml
PUBLISHED = "results/published/laptop"  # by which fine-tunings are reckoned


def plan_preset(
    repository: Path,
    preset: str,
    target: str,
    tokens_per_second: float | None,
    gpu: str | None,
    mfu: float | None,
    cores: int,
    probe: Callable[[Mapping[str, Any], Path], Mapping[str, Any] | None],
) -> str:
    """The plan in words of a target ("all" or "ablations"); numbers left out are measured or assumed (see `speed`).

    Args:
        cores: of this machine, that the run would have. probe: measures it at the shapes of a configuration, for a
            run's folder (probing.py).

    Raises:
        UserError: an unknown preset, a configuration that is refused, a data set of unknown size, and those of `speed`.
    """
    config, jobs = read_graph(repository, [preset_file(repository, preset)], target)
    tables = {name: read_table(repository / f"config/{name}.tsv") for name in ("methods", "domains", "datasets")}
    study = make_study(config, tables, repository)
    results = repository / "results"
    chosen = tokens_per_second, gpu, mfu
    given = any(number is not None for number in chosen)
    here = not given and config["engine"]["device"] == "cpu"
    speed = speed_of(study, results, probe(config, results / config["run"]) if here else None, chosen)
    forecast = make_forecast(study, jobs, speed, read_table(repository / "config/reference/durations.tsv"))
    what = "" if target == "all" else f", {target}"
    title = f"Plan of {config['run']} ({preset}{what}): {len(jobs)} jobs where none is done yet"
    notes = list(_notes(study, tables["datasets"], repository))
    if config["engine"]["device"] == "cpu":
        notes.insert(0, f"On {cores} {'core' if cores == 1 else 'cores'}: {in_words(forecast.elapsed(cores))}.")
    told = write_forecast(forecast, speed, title, notes)
    generic = study.tokens(GENERIC, "train"), study.windows(GENERIC, "train")
    scale = compare(planned_counts(config, *generic), paper_counts(repository / "config/reference/paper"))
    return f"{told}\n{to_text(scale, WIDTH)}"


def speed_of(
    study: Study,
    results: Path,
    probed: Mapping[str, Any] | None,
    given: tuple[float | None, str | None, float | None] = (None, None, None),
) -> Speed:
    """The speed that jobs of a study are expected to go at: as probed, where that was done (see `speed`).

    Args:
        given: tokens per second, the name of a GPU, a share of its peak.
    """
    if probed is not None:
        return probed_speed(probed, flops_per_token(study))
    return choose_speed(results, study.config["run"], study.config["engine"]["device"], study.size("slm"), *given)


def flops_per_token(study: Study) -> dict[str, float]:
    """Of each network's training, those of a projected network's projections with it."""
    found = {kind: float(training_flops_per_token(study.size(kind))) for kind in ("slm", "llm")}
    found["slm_pn"] = found["slm"]
    if "slm_pn" in study.recipes:
        work = work_of(study, "pretrain_model", {"method": "slm_pn"})
        assert work is not None
        found["slm_pn"] = work.flops / work.tokens
    return found


def usual_looks(published: Path) -> dict[str, float]:
    """By method, after how many validations its fine-tunings stopped in a published run; {}: no such run."""
    if not (published / "metrics.tsv").is_file():
        return {}
    metrics, config = read_table(published / "metrics.tsv"), read_json(published / "run.json")["settings"]
    section = config["specialize"]
    between = dict(zip(section["sizes"], section["evaluate_every"], strict=True))
    tuned = metrics.loc[metrics["size"].isin(between) & metrics["method"].isin(config["methods"])]
    looks = tuned["specialize_tokens"] / (section["batch"] * config["context"]) / tuned["size"].map(between)
    return {str(method): float(mean) for method, mean in looks.groupby(tuned["method"]).mean().items()}


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
    return Study(config, tables["methods"], corpora, datasets, usual_looks(repository / PUBLISHED))


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
        "Assumed: corpora as large as config/reference/corpora.tsv says; fine-tuning stopped as early as in the "
        "published run; k-means to its most rounds; FLOPs without, hours with looks at validation; one core a job."
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
