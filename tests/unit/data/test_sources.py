"""Documents come out of packages and files the same every time, and bad input is refused by name and place."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
import zstandard

from speclm.data.sources import (
    Files,
    InstalledDocs,
    collect_documents,
    read_files,
    source_from_settings,
)
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, read_json

LINES = "".join(json.dumps({"text": f"document {i} caf\u00e9", "n": i}, ensure_ascii=False) + "\n" for i in range(3))


def test_manifest_counts_what_was_written(tmp_path: Path) -> None:
    facts = collect_documents(InstalledDocs(("cycler",), 50), tmp_path / "d.jsonl.zst", tmp_path / "d.json")
    documents = list(read_documents(tmp_path / "d.jsonl.zst"))
    assert facts == read_json(tmp_path / "d.json")
    assert facts["documents"] == len(documents) == facts["origins"][0]["documents"]
    assert facts["characters"] == sum(len(document["text"]) for document in documents)
    assert facts["origins"][0]["origin"].startswith("cycler==")
    assert facts["origins"][0]["files"] == 1


def test_no_long_enough_document_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cycler: packages: no document has 1000000 characters"):
        collect_documents(InstalledDocs(("cycler",), 10**6), tmp_path / "d.jsonl.zst", tmp_path / "d.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_rows_of_files_are_documents(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    match suffix:
        case "jsonl":
            path.write_text(LINES, encoding="utf-8")
        case "jsonl.gz":
            path.write_bytes(gzip.compress(LINES.encode()))
        case "jsonl.zst":
            path.write_bytes(zstandard.compress(LINES.encode()))
        case "parquet":
            pd.DataFrame([json.loads(line) for line in LINES.splitlines()]).to_parquet(path)
    assert list(read_files((str(tmp_path / "*"),), "text", 1)) == [
        {"id": f"a.{suffix}:{i + 1}", "text": f"document {i} caf\u00e9", "origin": f"a.{suffix}"} for i in range(3)
    ]


def test_json_lines_may_be_called_json_as_those_of_c4_are(tmp_path: Path) -> None:
    (tmp_path / "c4-train.00000-of-01024.json.gz").write_bytes(gzip.compress(LINES.encode()))
    found = list(read_files((str(tmp_path / "*.json.gz"),), "text", 1))
    assert [document["id"].rsplit(":", 1)[1] for document in found] == ["1", "2", "3"]


def test_a_text_file_is_one_document_and_names_are_relative(tmp_path: Path) -> None:
    for name in ("x/1.txt", "y/1.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("one\n\ntwo\n")
    found = list(read_files((str(tmp_path / "**" / "*.txt"),), "text", 1))
    assert [(document["id"], document["text"]) for document in found] == [
        ("x/1.txt:1", "one\n\ntwo"),
        ("y/1.txt:1", "one\n\ntwo"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "ok"}\n{"text": "\xff"}\n', "line 2 is not UTF-8"),
        ("a.jsonl", b'{"text": "ok"}\n{"text":\n', "cannot be read"),
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b'{"body": "ok"}\n', 'text_field: row 1 has no text under "text"'),
        ("a.csv", b"text\nok\n", "unknown kind"),
        ("a.jsonl.gz", gzip.compress(LINES.encode())[:40], "is damaged"),
        ("a.jsonl.zst", b"no zstandard", "is damaged"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        list(read_files((str(tmp_path / name),), "text", 1))
    assert str(tmp_path / name) in str(caught.value)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        list(read_files((str(tmp_path / "*.jsonl"),), "text", 1))


def test_settings_choose_the_source() -> None:
    docs = {"kind": "installed_docs", "packages": ["cycler"], "minimum_characters": 9}
    assert source_from_settings(docs, "x") == InstalledDocs(("cycler",), 9)
    files = {"kind": "files", "paths": ["a"], "text_field": "t", "minimum_characters": 9}
    assert source_from_settings(files, "x") == Files(("a",), "t", 9)
    with pytest.raises(UserError, match='unknown kind "hubb"'):
        source_from_settings({**docs, "kind": "hubb"}, "x")
    with pytest.raises(UserError, match="cycler is named twice"):
        source_from_settings({**docs, "packages": ["cycler", "cycler==1"]}, "x")
