"""The line that tells how far a run is, and what is read of a workflow: of a made-up one, without a clock."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from speclm.stage.graph import Node
from speclm.stage.pace import Ended, Left, State, Task
from speclm.stage.progress import Expected, Jobs, Look, collect_durations, line, trained_tokens


def expect(nodes: Sequence[Node]) -> list[Expected]:
    """Trainings take 100 s, for 1,000 tokens; all else takes 10 s. Advice asks for one job more."""
    found = [Expected(n.rule, *((100.0, 1000) if n.rule == "pretrain_model" else (10.0, 0))) for n in nodes]
    return found + [Expected("later", 50.0)] * any(node.rule == "advise_domain" for node in nodes)


def made_up_job(folder: Path, rule: str, **wildcards: str) -> Any:
    output = folder / rule / "-".join(wildcards.values()) / "checkpoints"
    output.parent.mkdir(parents=True)
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule),
        wildcards_dict=wildcards,
        threads=1,
        output=[str(output)],
        benchmark=str(output.parent / "benchmark.tsv"),
    )


class MadeUpDag:
    """What is asked of Snakemake's graph."""

    def __init__(self, needed: list[Any], earlier: list[Any], dependencies: dict[int, Any]) -> None:
        self.needed, self.earlier, self.done = needed, earlier, list[Any]()
        self.dependencies = _ById(dependencies)

    @property
    def jobs(self) -> list[Any]:
        return [*self.needed, *self.earlier]

    def needrun(self, job: Any) -> bool:
        return any(job is needed for needed in self.needed)

    def needrun_jobs(self) -> list[Any]:
        return [job for job in self.needed if not self.finished(job)]

    def finished(self, job: Any) -> bool:
        return any(job is done for done in self.done)


class _ById:
    def __init__(self, found: dict[int, Any]) -> None:
        self._found = found

    def get(self, job: Any, otherwise: Any) -> Any:
        return self._found.get(id(job), otherwise)


def workflow(needed: list[Any], earlier: Sequence[Any] = (), dependencies: dict[int, Any] | None = None) -> Any:
    dag = MadeUpDag(needed, list(earlier), dependencies or {})
    return SimpleNamespace(dag=dag, scheduler=SimpleNamespace(running=set()))


def took(job: Any, seconds: float) -> None:
    Path(job.benchmark).write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")


def test_jobs_are_tasks_with_what_they_wait_for_and_earlier_ones_teach(tmp_path: Path) -> None:
    before, first, second = (made_up_job(tmp_path, rule) for rule in ("collect", "encode", "embed"))
    took(before, 25.0)
    jobs = Jobs(workflow([first, second], [before]), expect)
    look = jobs.look()
    assert [task.seconds for task in look.tasks] == [10, 10]
    assert look.states == [State(), State()]
    assert look.ended == [Ended("collect", 10.0, 25.0)]


def test_dependencies_become_places(tmp_path: Path) -> None:
    first, second = (made_up_job(tmp_path, rule) for rule in ("encode", "embed"))
    jobs = Jobs(workflow([first, second], dependencies={id(second): [first]}), expect)
    assert [task.needs for task in jobs.look().tasks] == [(), (0,)]


def test_what_ended_is_taught_by_its_benchmark(tmp_path: Path) -> None:
    first, second = (made_up_job(tmp_path, "encode", corpus=name) for name in ("a", "b"))
    snakemake = workflow([first, second])
    jobs = Jobs(snakemake, expect)
    snakemake.dag.done.append(first)
    took(first, 12.0)
    look = jobs.look()
    assert [state.finished for state in look.states] == [True, False]
    assert look.ended == [Ended("encode", 10.0, 12.0)]
    assert jobs.unfinished == 1


def test_a_running_training_is_as_far_as_its_journal(tmp_path: Path) -> None:
    job = made_up_job(tmp_path, "pretrain_model", method="slm")
    snakemake = workflow([job])
    jobs = Jobs(snakemake, expect)
    snakemake.scheduler.running = [job]
    jobs.mark()
    journal(tmp_path / "pretrain_model/slm/.scratch-pretrain_model/0f", 100, 250)
    (state,) = jobs.look().states
    assert state.share == 0.25
    assert state.elapsed is not None


def test_a_training_that_goes_on_counts_for_the_rest(tmp_path: Path) -> None:
    """Three quarters were done before: what it takes now is of a quarter."""
    job = made_up_job(tmp_path, "pretrain_model", method="slm")
    journal(tmp_path / "pretrain_model/slm/.scratch-pretrain_model/0f", 100, 750)
    snakemake = workflow([job])
    jobs = Jobs(snakemake, expect)
    snakemake.dag.done.append(job)
    took(job, 30.0)
    assert jobs.look().ended == [Ended("pretrain_model", pytest.approx(25.0), 30.0)]


def test_what_advice_will_ask_for_comes_last(tmp_path: Path) -> None:
    look = Jobs(workflow([made_up_job(tmp_path, "advise_domain")]), expect).look()
    assert [(task.kind, task.needs) for task in look.tasks] == [("advise_domain", ()), ("later", (0,))]
    assert len(look.states) == 2


def test_jobs_that_a_checkpoint_brings_are_counted(tmp_path: Path) -> None:
    first, second = (made_up_job(tmp_path, rule) for rule in ("encode", "embed"))
    snakemake = workflow([first])
    jobs = Jobs(snakemake, expect)
    snakemake.dag.done.append(first)
    assert jobs.look() and jobs.unfinished == 0
    snakemake.dag.needed.append(second)
    assert len(jobs.look().tasks) == 2
    assert jobs.unfinished == 1


def test_a_trunk_and_its_branches_add_up(tmp_path: Path) -> None:
    """The branch's first line is where it left the trunk."""
    journal(tmp_path, 100, 800)
    journal(tmp_path / "b1000", 800, 950)
    assert trained_tokens(tmp_path) == 950
    (tmp_path / "metrics.jsonl").write_text('{"tokens": 100}\n{"tokens": 200}\n{"tok')  # a line being written
    assert trained_tokens(tmp_path) == 350
    assert trained_tokens(tmp_path / "none") == 0


def journal(folder: Path, *tokens: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"step": 1, "tokens": seen}) + "\n" for seen in tokens))


def test_the_line_names_jobs_share_and_time() -> None:
    look = Look([Task("a", 1.0)] * 2, [State(finished=True), State()], [])
    assert line(look, Left(120.0, 0.05, 0.25), 61).strip() == "[ 1:01]  1 of 2 jobs, 25 % of the work, about 2 min left"


def test_durations_are_means_by_rule_of_what_is_not_counted(tmp_path: Path) -> None:
    for name, seconds in (("pretrain/slm/all", 10), ("draw/1", 2), ("draw/2", 4)):
        path = tmp_path / "run/benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:10\n")
    assert collect_durations([tmp_path / "run"], ["pretrain"]).to_numpy().tolist() == [["draw", 3.0]]
