"""The graph as Snakemake builds it, on a workflow of three rules."""

from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.stage.graph import Node, read_graph

SNAKEFILE = """
configfile: "base.yaml"

rule all:
    input: expand("{name}.end", name=config["names"])

rule begin:
    output: "{name}.start"
    shell: "touch {output}"

rule end:
    input: "{name}.start"
    output: "{name}.end"
    shell: "touch {output}"
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "base.yaml").write_text("names: [a, b]\nkept: 1\n")
    return tmp_path


def test_jobs_wildcards_and_what_they_wait_for(workflow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, jobs = read_graph(workflow, [])
    assert config == {"names": ["a", "b"], "kept": 1}
    assert jobs == [
        Node("all", {}, (3, 4)),
        Node("begin", {"name": "a"}, ()),
        Node("begin", {"name": "b"}, ()),
        Node("end", {"name": "a"}, (1,)),
        Node("end", {"name": "b"}, (2,)),
    ]
    assert str(jobs[3]) == "end a"
    assert capsys.readouterr() == ("", "")


def test_a_file_is_laid_over_and_finished_jobs_count(workflow: Path) -> None:
    (workflow / "over.yaml").write_text("names: [c]\n")
    for name in ("c.start", "c.end"):
        (workflow / name).touch()
    config, jobs = read_graph(workflow, [workflow / "over.yaml"])
    assert config == {"names": ["c"], "kept": 1}
    assert [str(job) for job in jobs] == ["all", "begin c", "end c"]


def test_a_refusal_is_told_in_snakemakes_words(workflow: Path) -> None:
    (workflow / "Snakefile").write_text(SNAKEFILE + "\nraise WorkflowError('no such thing\\nRemedy: take another')\n")
    with pytest.raises(UserError, match=r"no such thing\nRemedy: take another$"):
        read_graph(workflow, [])
