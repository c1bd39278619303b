"""A study in one archive that others can cite, read and run again: a Workflow Run RO-Crate.

In: the repository and a folder of results, of a run or published. Out: a zip with both in their places, so that it can
be unpacked and run, and ro-crate-metadata.json, in which archives and workflow catalogues read what was run (the
Snakefile), with what (the configuration), when, and what came out (every result, with its checksum). The profile is
https://w3id.org/ro/wfrun/workflow/0.5; the metadata are ro-crate-py's. Text, weights and scratch stay out, and so does
all about domains of the user's own, whose records name their files, unless it is asked for.

    results/laptop -> crate.zip: Snakefile, config/…, results/laptop/metrics.tsv, …, ro-crate-metadata.json
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from speclm.data.names import OWN
from speclm.stage.files import atomic, read_json, sha256
from speclm.study.environment import ENVIRONMENT
from speclm.study.record import read_record

MAIN = "Snakefile"
CODE = (
    *("Makefile", "README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"),
    *(".snakemake-workflow-catalog.yml", ".ci", "config", "envs", "profiles", "rules", "scripts", "tests", "workflow"),
)
RESULTS = ("*.*", "tables/*.*", "figures/*.*", "cards/*/*.md", "clusters/*.tsv", "logs/**/*.json")
OF_OWN_DOMAINS = f"{OWN}/*/*.*"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
VERSION = "1.1"  # of RO-Crate, which these profiles extend
TYPES = {".parquet": "application/vnd.apache.parquet"}
LICENCE = "https://spdx.org/licenses/Apache-2.0"


def write_crate(repository: Path, results: Path, output: Path, own: bool = False) -> int:
    """Write the archive; returns how many files it holds.

    Args:
        own: whether it holds what is there of domains of the user's own.

    Raises:
        UserError: the run is not at its end.
    """
    record, citation = read_record(results), yaml.safe_load((repository / "CITATION.cff").read_text(encoding="utf-8"))
    run, started = results.name, record.origin["started"]
    crate = ROCrate(version=VERSION)
    facts = {"name": citation["title"], "version": str(citation["version"]), "encodingFormat": "text/plain"}
    workflow = crate.add_workflow(repository / MAIN, MAIN, main=True, lang="snakemake", properties=facts)
    code = {path: _add(crate, repository, path) for path in _code(repository)}
    made = [_add(crate, repository, path) for path in _results(results, own)]
    crate.name = f"{citation['title']}: the study {run}"
    crate.description = f"The workflow, its configuration, and what the study {run} came to."
    crate.datePublished = started[:10]
    crate.license = crate.add(ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "Apache-2.0"}))
    for author in citation["authors"]:
        entity = crate.add(ContextEntity(crate, properties={"@type": "Organization", "name": author["name"]}))
        crate.root_dataset.append_to("author", entity, compact=True)
    code[repository / "README.md"]["about"] = crate.root_dataset
    for url, name in PROFILES.items():
        profile = {"@type": "CreativeWork", "name": name, "version": url.rpartition("/")[2]}
        crate.root_dataset.append_to("conformsTo", crate.add(ContextEntity(crate, url, profile)))
    settings = [entity for path, entity in code.items() if path.parent == repository / "config"]
    action = {"name": f"The study {run}", "startTime": started, **_end(results)}
    action["description"] = f"commit {record.origin['commit']}, on {record.origin['processor']}"
    crate.root_dataset["mentions"] = crate.add_action(workflow, object=settings, result=made, properties=action)
    with atomic(output) as temporary:
        crate.write_zip(temporary)
    return 1 + len(code) + len(made)


def _code(repository: Path) -> Iterator[Path]:
    """The files of the repository, but for what it ignores."""
    for name in CODE:
        path = repository / name
        files: Iterable[Path] = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.is_file() and "__pycache__" not in file.parts)


def own_domains(results: Path) -> list[str]:
    """The names of the user's own domains that have joined a study."""
    return sorted(path.name for path in (results / OWN).glob("*/"))


def _results(folder: Path, own: bool) -> Iterator[Path]:
    """What a study came to, that of its variants included."""
    for study in (folder, folder / "ablations"):
        found = {path for pattern in (*RESULTS, OF_OWN_DOMAINS) for path in study.glob(pattern) if path.is_file()}
        shown = (path for path in found if own or OWN not in path.relative_to(folder).parts)
        yield from sorted(path for path in shown if path.name[0] != "." and path.suffix != ".zip")


def _add(crate: ROCrate, repository: Path, path: Path) -> Any:
    """A file with its size, type and checksum."""
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    facts = {"name": path.name, "encodingFormat": kind, "sha256": sha256(path), "contentSize": str(path.stat().st_size)}
    return crate.add_file(path, path.relative_to(repository).as_posix(), properties=facts)


def _end(results: Path) -> dict[str, str]:
    """When the last of a run's stages ended, where that is recorded."""
    recorded = results / ENVIRONMENT
    return {"endTime": read_json(recorded)["ended"]} if recorded.exists() else {}
