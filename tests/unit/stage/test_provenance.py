"""A chain of four stages that really ran: corpus, two models of it (one in a folder), and a table of both."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speclm.stage import provenance
from speclm.stage.errors import UserError
from speclm.stage.explanation import explain
from speclm.stage.files import write_array, write_json, write_text
from speclm.stage.job import Job, finish
from speclm.stage.provenance import trace

ROOT = Path(__file__).parents[3]
RUN = Path("results/tiny")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_text("own.txt", "a user's text")
    collect()
    train("small")
    train("large")
    tabulate()
    return tmp_path


def job(name: str, inputs: dict, outputs: dict, wildcards: dict[str, str] | None = None, **settings: object) -> Job:
    log = RUN / "logs" / name / f"{'-'.join((wildcards or {}).values()) or 'only'}.log"
    return Job(name, settings, inputs, outputs, wildcards or {}, log, revision=3)


def collect(text: str = "words") -> None:
    def main(job: Job) -> dict:
        write_text(job.outputs["documents"], text)
        write_array(job.outputs["lengths"], np.array([len(text)]))
        return {"origins": [{"origin": "sympy==1.14.0", "documents": 12, "sha256": "ab" * 32}]}

    outputs = {"documents": RUN / "documents.txt", "lengths": RUN / "lengths.npy"}
    finish(main, job("collect", {"own": Path("own.txt")}, outputs, source="sympy"))


def train(size: str, note: str = "") -> None:
    def main(job: Job) -> None:
        job.outputs["models"].mkdir(parents=True, exist_ok=True)
        write_text(job.outputs["models"] / "weights.bin", f"{size} {note} {job.inputs['documents'].read_text()}")

    inputs, outputs = {"documents": RUN / "documents.txt"}, {"models": RUN / f"models/{size}"}
    finish(main, job("train", inputs, outputs, {"size": size, "seed": "17"}, rates=[0.1, 0.2], engine={"threads": 1}))


def tabulate() -> None:
    def main(job: Job) -> None:
        write_text(job.outputs["table"], "".join((path / "weights.bin").read_text() for path in job.inputs["models"]))

    inputs = {"models": [RUN / "models/small", RUN / "models/large"]}
    finish(main, job("tabulate", inputs, {"table": RUN / "tables/table_1.md"}))


def changes(file: Path = RUN / "tables/table_1.md") -> dict[tuple[str, str], str]:
    """(stage, path that it read) -> what became of it since."""
    steps = trace(file).steps
    return {(step.record["stage"], read.path): read.change for step in steps for read in step.reads if read.change}


def test_a_table_is_traced_back_to_the_corpus() -> None:
    chain = trace(RUN / "tables/table_1.md")
    assert [step.number for step in chain.steps] == [1, 2, 3, 4]
    assert [step.record["stage"] for step in chain.steps] == ["tabulate", "train", "train", "collect"]
    table, *models, corpus = chain.steps
    sizes = [step.record["wildcards"]["size"] for step in models]
    assert [(read.name, read.path, read.maker) for read in table.reads] == [
        (f"models.{place}", f"results/tiny/models/{size}", 2 + sizes.index(size))
        for place, size in enumerate(["small", "large"])
    ]
    assert all(step.reads[0].maker == 4 for step in models)
    assert [(read.path, read.maker) for read in corpus.reads] == [("own.txt", 0)]
    assert chain.broken == [] and chain.change == ""


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("models/small", ["train", "collect"]),
        ("models/small/weights.bin", ["train", "collect"]),
        ("lengths.npy", ["collect"]),
        ("lengths.npy.json", ["collect"]),
    ],
)
def test_a_file_within_an_output_and_a_sidecar_have_its_chain(file: str, stages: list[str]) -> None:
    assert [step.record["stage"] for step in trace(RUN / file).steps] == stages


def test_a_chain_is_found_from_anywhere_and_after_a_move(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = folder.rename(folder.with_name(f"{folder.name}-moved"))
    monkeypatch.chdir("/")
    chain = trace(moved / RUN / "tables/table_1.md")
    assert len(chain.steps) == 4 and chain.broken == []


def test_an_edited_input_is_marked_at_the_step_that_read_it() -> None:
    write_text(RUN / "models/small/weights.bin", "better weights")
    assert changes() == {("tabulate", "results/tiny/models/small"): "was changed since"}
    assert trace(RUN / "tables/table_1.md").broken == [1]


def test_an_input_made_anew_is_marked_and_told_from_an_edited_one() -> None:
    train("large", "with another library")
    assert changes() == {("tabulate", "results/tiny/models/large"): "was made anew since"}


def test_a_repository_file_that_changed_and_one_that_is_gone_are_marked() -> None:
    write_text("own.txt", "another text")
    (RUN / "documents.txt").unlink()
    gone = {("train", "results/tiny/documents.txt"): "is gone"}
    assert changes() == {("collect", "own.txt"): "was changed since", **gone}


def test_an_edited_result_is_told() -> None:
    write_text(RUN / "tables/table_1.md", "perplexity 1.0")
    chain = trace(RUN / "tables/table_1.md")
    assert (chain.change, chain.broken) == ("was changed since", [])
    assert "results/tiny/tables/table_1.md\nTHIS FILE WAS CHANGED SINCE its step wrote it." in explain(
        Path(chain.path), full=False
    )


def test_the_same_bytes_again_are_no_change() -> None:
    collect()
    train("small")
    assert changes() == {}


def test_a_change_whose_time_was_set_back_is_seen() -> None:
    before = Path("own.txt").stat()
    write_text("own.txt", "another text.")
    os.utime("own.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changes() == {("collect", "own.txt"): "was changed since"}


def test_what_was_not_touched_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    whole = provenance.sha256
    monkeypatch.setattr(provenance, "sha256", lambda path: (hashed.append(path), whole(path))[1])
    trace(RUN / "tables/table_1.md")
    assert [path.name for path in hashed] == ["table_1.md"]
    os.utime("own.txt")
    assert changes() == {}
    assert "own.txt" in [path.name for path in hashed]


def test_the_text_holds_what_every_step_was() -> None:
    text = explain(RUN / "tables/table_1.md", full=True)
    head, table, first, second, corpus = text.split("\n\n")
    assert "is made by 4 steps from sympy==1.14.0, with seed 17, " in head
    assert head.replace("\n", " ").endswith("Every step read what is there now.")
    assert table.startswith("1 tabulate\n")
    record = json.loads((RUN / "logs/train/small-17.summary.json").read_text())
    small = first if "size=small" in first else second
    assert small.splitlines()[0] in ("2 train size=small  seed=17", "3 train size=small  seed=17")
    for part in (record["host"], record["device"], record["commit"][:12], record["python"], "stage's revision 3"):
        assert part in small.replace("\n            ", " ")
    assert "seed      seed=17" in small
    assert "settings  rates=[0.1, 0.2]  engine.threads=1" in first
    assert "settings  as in step 2" in second
    assert f"{record['inputs'][0]['sha256'][:12]}  documents  results/tiny/documents.txt, made by step 4" in small
    assert f"corpus    {'ab' * 6}  sympy==1.14.0: 12 documents" in corpus
    assert "settings  source=sympy" in corpus and "own  own.txt" in corpus


def test_the_tree_has_a_line_for_each_stage_and_its_corpora() -> None:
    """What a stage rests on through another stands below that one alone."""
    head, tree = explain(RUN / "tables/table_1.md", full=False).split("\n\n")
    assert "is made by 4 steps from sympy==1.14.0, with seed 17, " in head
    lines = [line.partition(": ")[0] for line in tree.splitlines()]
    assert lines == [
        "tabulate",
        "└─ train, 2 steps",
        "   └─ collect",
        f"      └─ {'ab' * 6}  sympy==1.14.0",
    ]


def test_the_text_marks_what_no_longer_holds() -> None:
    write_text("own.txt", "another text")
    text = explain(RUN / "tables/table_1.md", full=True)
    assert "Step 4 read what is no longer there" in text.replace("\n", " ")
    assert "own  own.txt; WAS CHANGED SINCE" in text


def rewrite(change: Callable[[dict], dict]) -> None:
    path = RUN / "logs/tabulate/only.summary.json"
    write_json(path, change(json.loads(path.read_text())))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"commit": None, "dirty": None}, "outside a checkout"),
        ({"commit": "f" * 40, "dirty": True}, f"at commit {'f' * 12} with changes of its files"),
    ],
)
def test_the_text_says_whether_the_code_was_committed(facts: dict, said: str) -> None:
    rewrite(lambda record: record | facts)
    assert said in explain(RUN / "tables/table_1.md", full=True).split("\n\n")[1].replace("\n            ", " ")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("results/tiny/tables/table_9.md", "no such file\nRemedy: name a result"),
        ("own.txt", r"belongs to no run: no folder above it holds the records of stages \(logs/\)"),
        ("results/tiny/logs/collect/only.log", "no stage of this run made it"),
    ],
)
def test_a_file_without_a_chain_is_refused(file: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{file}: {said}"):
        trace(Path(file))


@pytest.mark.parametrize("how", ["gone", "old"])
def test_a_missing_record_is_told_with_its_place(how: str) -> None:
    if how == "gone":
        (RUN / "logs/tabulate/only.summary.json").unlink()
    else:
        rewrite(lambda record: {key: value for key, value in record.items() if key != "outputs"})
    with pytest.raises(UserError, match=r"^results/tiny/logs/tabulate/only\.summary\.json: is not there") as said:
        trace(RUN / "tables/table_1.md")
    assert "--force results/tiny/tables/table_1.md" in str(said.value)


def test_a_damaged_record_is_told() -> None:
    (RUN / "logs/collect/only.summary.json").write_text('{"stage": "coll')
    with pytest.raises(UserError, match=r"collect/only\.summary\.json: not valid JSON"):
        trace(RUN / "tables/table_1.md")


def test_tracing_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'pandas', 'snakemake', 'sklearn'}"
    code = f"import sys, speclm.stage.explanation; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "workflow")}, check=True, timeout=60)
