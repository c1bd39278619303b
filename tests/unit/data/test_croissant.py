"""Croissant metadata: every split as a file with its checksum and as records; valid by its validator."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

import speclm
from speclm.data.croissant import CONTEXT, write_croissant
from speclm.stage.files import read_json, sha256, write_documents, write_json

CORPORA = {"generic": "web", "tax": "desk"}
ROW = {"kind": "files", "source": "data/*.txt", "licence": "CC0", "origin": "a desk", "deviation": "-"}
DATASETS = {"web": {**ROW, "dataset": "web"}, "desk": {**ROW, "dataset": "desk", "deviation": "half of it"}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A made-up run's splits, described."""
    facts = {}
    for name in ("generic/train/00000", "generic/train/00001", "tax/train", "tax/test"):
        path = tmp_path / f"splits/{name}.jsonl.zst"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_documents(path, [{"id": "1", "text": "One.", "origin": "o"}])
        facts[name] = {"documents": 1, "characters": 4}
        if name.startswith("generic"):
            write_json(f"{path}.json", {**facts.pop(name), "sha256": sha256(path), "removed": []})
    removed = [{"from": "generic", "kept_in": "tax/test", "how": "passage", "documents": 7}]
    write_json(tmp_path / "splits/report.json", {"splits": facts, "removed": removed})
    files = sorted(tmp_path.glob("splits/**/*.zst"))
    told = write_croissant(
        "mine", CORPORA, DATASETS, files, tmp_path / "splits/report.json", tmp_path / "croissant.json"
    )
    assert told == {"files": 4}
    return tmp_path


def nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for item in value for node in nodes(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(node for item in value.values() for node in nodes(item))]


def test_files_are_what_they_are_said_to_be(run: Path) -> None:
    described = read_json(run / "croissant.json")
    assert len(described["distribution"]) == 4
    for file in described["distribution"]:
        content = (run / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["contentSize"] == f"{len(content)} B"


def test_every_reference_leads_somewhere(run: Path) -> None:
    described = read_json(run / "croissant.json")
    found = nodes({key: value for key, value in described.items() if key != "@context"})
    defined = [node["@id"] for node in found if "@id" in node and "@type" in node]
    assert len(set(defined)) == len(defined) == 4 + 4 * (1 + 3)
    assert {node["@id"] for node in found if set(node) == {"@id"}} <= set(defined)


def test_what_is_told_of_the_text(run: Path) -> None:
    described = read_json(run / "croissant.json")
    assert (described["name"], described["version"]) == ("speclm-mine", speclm.__version__)
    assert described["license"] == ["CC0"]
    assert described["rai:dataLimitations"] == "half of it"
    assert "7 of generic (passage, kept in tax/test)" in described["rai:dataPreprocessingProtocol"]


def test_every_word_is_of_a_known_vocabulary(run: Path) -> None:
    """Croissant's own terms are in the context; all others are schema.org's, by its @vocab."""
    schema_org = {"name", "description", "license", "creator", "version", "url", "isBasedOn", "distribution"}
    schema_org |= {"contentUrl", "contentSize", "encodingFormat", "sha256"}
    described = read_json(run / "croissant.json")
    used = {key for node in nodes({**described, "@context": None}) for key in node if not key.startswith("@")}
    assert {key for key in used if ":" not in key} <= schema_org | set(CONTEXT)


def test_the_validator_of_the_vocabulary_has_nothing_against_it(run: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed (it is not part of the locks)")
    issues = croissant.Dataset(jsonld=str(run / "croissant.json")).metadata.issues
    assert not issues.errors
    assert len(issues.warnings) == 1 and "datePublished" in str(issues.warnings)
