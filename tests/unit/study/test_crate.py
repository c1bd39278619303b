"""The archive of a study: everything in its place, described as the profile asks."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from speclm.stage.errors import UserError
from speclm.study.crate import CODE, PROFILES, own_domains, write_crate
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The archive of the published laptop study."""
    path = tmp_path_factory.mktemp("crate") / "crate.zip"
    count = write_crate(ROOT, LAPTOP, path)
    opened = zipfile.ZipFile(path)
    assert len(opened.namelist()) == count + 1  # and the description
    return opened


def graph(archive: zipfile.ZipFile) -> dict[str, dict[str, Any]]:
    return {node["@id"]: node for node in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}


def test_it_holds_the_workflow_and_its_results(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    assert {"Snakefile", "rules/common.smk", "profiles/default/config.yaml", "envs/lock.txt", ".ci/run"} <= names
    assert {"results/published/laptop/metrics.tsv", "results/published/laptop/figures/figure_3.png"} <= names
    assert all((ROOT / name).exists() for name in CODE)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".zip")]
    for name in ("Snakefile", "results/published/laptop/run.json"):
        assert archive.read(name) == (ROOT / name).read_bytes()


def test_every_file_is_described_with_its_checksum(archive: zipfile.ZipFile) -> None:
    nodes = graph(archive)
    for name in set(archive.namelist()) - {"ro-crate-metadata.json", "Snakefile"}:
        content = archive.read(name)
        assert nodes[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert nodes[name]["contentSize"] == str(len(content))


def test_what_was_run_with_what_and_what_came_out(archive: zipfile.ZipFile) -> None:
    nodes = graph(archive)
    root, record = nodes["./"], json.loads((LAPTOP / "run.json").read_text())
    assert root["mainEntity"] == {"@id": "Snakefile"}
    assert nodes["Snakefile"]["programmingLanguage"]["@id"].endswith("#snakemake")
    assert set(nodes["Snakefile"]["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    (mentioned,) = root["mentions"] if isinstance(root["mentions"], list) else [root["mentions"]]
    action = nodes[mentioned["@id"]]
    assert (action["@type"], action["instrument"]) == ("CreateAction", {"@id": "Snakefile"})
    assert action["startTime"] == record["started"] and record["commit"] in action["description"]
    assert {"@id": "config/config.yaml"} in action["object"]
    assert {"@id": "results/published/laptop/claims.tsv"} in action["result"]


def test_it_says_which_profiles_it_follows(archive: zipfile.ZipFile) -> None:
    nodes = graph(archive)
    followed = {profile["@id"] for profile in nodes["./"]["conformsTo"]}
    assert followed == set(PROFILES)
    assert [nodes[profile]["name"] for profile in PROFILES] == list(PROFILES.values())
    assert nodes[nodes["./"]["license"]["@id"]]["name"] == "Apache-2.0"
    assert len(nodes["./"]["datePublished"]) == len("2026-11-21")


def test_every_reference_leads_somewhere(archive: zipfile.ZipFile) -> None:
    nodes = graph(archive)

    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [found for item in value for found in references(item)]
        return [value["@id"]] if isinstance(value, dict) and set(value) == {"@id"} else []

    used = {
        name for node in nodes.values() for key, value in node.items() if key[0] != "@" for name in references(value)
    }
    assert {name for name in used if not name.startswith("http")} <= set(nodes)


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run the workflow of this preset to its end"):
        write_crate(ROOT, tmp_path, tmp_path / "crate.zip")


@pytest.mark.parametrize("asked", [False, True])
def test_own_domains_stay_out_unless_asked_for(tmp_path: Path, asked: bool) -> None:
    """Their records name the files of the user's own documents."""
    for name in ("Snakefile", *CODE):
        (tmp_path / name).symlink_to(ROOT / name)
    results = tmp_path / "results/published/laptop"
    shutil.copytree(LAPTOP, results)
    records = ["logs/collect_documents/own/secret/00000.job.json", "logs/own/secret/measure_serving.summary.json"]
    records += ["logs/check_splits/own/secret.job.json", "own/secret/advice.md"]
    for name in [*records, "logs/split_documents.job.json"]:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("/home/me/secret/a letter.txt")
    write_crate(tmp_path, results, tmp_path / "crate.zip", own=asked)
    names = zipfile.ZipFile(tmp_path / "crate.zip").namelist()
    assert [name for name in names if "secret" in name] == [
        f"results/published/laptop/{r}" for r in sorted(records)
    ] * asked
    assert "results/published/laptop/logs/split_documents.job.json" in names
    assert own_domains(results) == ["secret"]
