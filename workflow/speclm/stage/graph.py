"""The jobs that Snakemake would run, and what each waits for: the graph itself, without running or writing anything.

In go the repository and the configuration files laid over its default; out come the merged configuration and the jobs,
so that a plan counts exactly what a dry run counts:

    collect_documents {"dataset": "sympy_docs"} -> split_documents {} -> train_tokenizer {} -> …
"""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speclm.stage.errors import UserError


@dataclass(frozen=True)
class Node:
    """One job: its rule, its wildcards, and the places in the list of jobs of those that it waits for."""

    rule: str
    wildcards: Mapping[str, str]
    needs: tuple[int, ...]

    def __str__(self) -> str:
        return " ".join([self.rule, *(value for key, value in self.wildcards.items() if key != "seed")])


def read_graph(repository: Path, configfiles: Sequence[Path], target: str = "all") -> tuple[dict[str, Any], list[Node]]:
    """The merged configuration and every job that a target needs, none taken as done.

    Raises:
        UserError: Snakemake refuses the configuration or the workflow; its words.
    """
    from snakemake.api import SnakemakeApi  # 0.7 s, which only a plan shall cost
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

    with chdir(repository), _silence() as said, _no_collection(), SnakemakeApi(OutputSettings()) as api:
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[Path(path).resolve() for path in configfiles]),
                snakefile=Path("Snakefile"),
            )
            workflow.dag(
                DAGSettings(forceall=True, targets={target})
            ).printd3dag()  # builds the graph; what it prints lacks wildcards
        except Exception as error:  # of any kind: Snakemake runs the rules' own code
            message, _, remedy = str(error).strip().partition("\nRemedy: ")
            raise UserError(
                message or said.getvalue().strip(),
                remedy=remedy or "see what snakemake --dry-run says to the same files",
            ) from error
        built = workflow._workflow
    jobs = sorted(built.dag.jobs, key=lambda job: (job.rule.name, sorted(job.wildcards_dict.items())))
    place = {job: number for number, job in enumerate(jobs)}
    nodes = [
        Node(
            job.rule.name,
            dict(job.wildcards_dict),
            tuple(sorted(place[needed] for needed in built.dag.dependencies[job])),
        )
        for job in jobs
    ]
    return dict(built.globals["config"]), nodes


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing of a graph that is being built is garbage: looking for it took a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _silence() -> Iterator[io.StringIO]:
    """Snakemake prints and logs; what it says is kept."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        yield said
