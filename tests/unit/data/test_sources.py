"""Documents come out of packages and files the same every time, and bad input is refused by name, place and remedy."""

import gzip
import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard

from speclm.data.sources import Source, collect_documents
from speclm.data.tally import tell_left_out
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, read_json

ROOT = Path(__file__).parents[3]
LINES = "".join(json.dumps({"text": f"document {i} caf\u00e9", "n": i}, ensure_ascii=False) + "\n" for i in range(3))


def files(*paths: Path, field: str = "text", where: str = "-", minimum: int = 1, strict: bool = True) -> Source:
    return Source("files", "paths", {path.name: str(path) for path in paths}, "-", field, where, minimum, strict)


def collect(source: Source, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    facts = collect_documents(source, folder / "out/d.jsonl.zst", folder / "out/d.json")
    assert facts == read_json(folder / "out/d.json")
    return list(read_documents(folder / "out/d.jsonl.zst")), facts


def refusal(source: Source, folder: Path) -> str:
    """What is said; nothing is left."""
    with pytest.raises(UserError) as caught:
        collect(source, folder)
    assert not [file for file in folder.glob("out/**/*") if file.is_file()]
    return str(caught.value)


def test_packages_are_counted_by_origin(tmp_path: Path) -> None:
    source = Source("installed_docs", "cycler", {"cycler": "cycler"}, "-", "-", "-", 50, False)
    documents, facts = collect(source, tmp_path)
    assert facts["documents"] == len(documents) == facts["origins"][0]["documents"]
    assert facts["characters"] == sum(len(document["text"]) for document in documents)
    assert facts["origins"][0]["origin"].startswith("cycler==")
    assert facts["origins"][0]["files"] == 1
    assert "cycler: source: no document has 1000000 characters" in refusal(
        Source("installed_docs", "cycler", {"cycler": "cycler"}, "-", "-", "-", 10**6, False), tmp_path / "none"
    )


@pytest.mark.parametrize("suffix", ["jsonl", "json.gz", "jsonl.zst", "csv", "parquet"])
def test_rows_of_files_are_documents(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    frame = pd.DataFrame([json.loads(line) for line in LINES.splitlines()])
    match suffix:
        case "jsonl":
            path.write_text(LINES, encoding="utf-8")
        case "json.gz":
            path.write_bytes(gzip.compress(LINES.encode()))
        case "jsonl.zst":
            path.write_bytes(zstandard.compress(LINES.encode()))
        case "csv":
            frame.to_csv(path, index=False)
        case "parquet":
            frame.to_parquet(path)
    documents, facts = collect(files(path), tmp_path)
    first = 2 if suffix == "csv" else 1  # under the header
    assert documents == [
        {"id": f"a.{suffix}:{i + first}", "text": f"document {i} caf\u00e9", "origin": f"a.{suffix}"} for i in range(3)
    ]
    if suffix != "parquet":
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert facts["files"] == [{"name": path.name, "bytes": path.stat().st_size, "sha256": digest}]


def test_several_files_of_a_shard_and_text_files_among_them(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# one\r\n\r\n\r\n\r\ntwo  \n")
    (tmp_path / "b.jsonl").write_text(LINES)
    documents, facts = collect(files(tmp_path / "a.md", tmp_path / "b.jsonl"), tmp_path)
    assert [document["id"] for document in documents] == ["a.md:1", "b.jsonl:1", "b.jsonl:2", "b.jsonl:3"]
    assert documents[0]["text"] == "# one\n\ntwo"
    assert [origin["documents"] for origin in facts["origins"]] == [1, 3]


def test_a_nested_field_and_a_condition(tmp_path: Path) -> None:
    rows = [{"page": {"body": f"text {i}"}, "meta": {"set": "ab"[i % 2]}} for i in range(5)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    documents, facts = collect(files(tmp_path / "a.jsonl", field="page.body", where="meta.set=b"), tmp_path)
    assert [document["text"] for document in documents] == ["text 1", "text 3"]
    assert facts["left_out"] == {"elsewhere": 3, "too_short": 0, "without_text": 0, "rows": 0, "files": 0}


def test_what_has_no_text_is_left_out_and_counted(tmp_path: Path) -> None:
    """A document of null bytes among them: escaped, as JSON writes them."""
    rows = ["\0" * 500, " \n ", "short", "long enough"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    documents, facts = collect(files(tmp_path / "a.jsonl", minimum=8), tmp_path)
    assert [document["text"] for document in documents] == ["long enough"]
    assert facts["left_out"] == {"elsewhere": 0, "too_short": 1, "without_text": 2, "rows": 0, "files": 0}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "ok"}\n{"body": "ok", "n": 1}\n', 'field: line 2 has no "text"'),
        ("a.jsonl", b'{"body": "ok"}\n', "name one of its fields (body): field=… of a domain of your own"),
        ("a.csv", b"title,body\na,b\n", "name one of its fields (body, title): field="),
        ("a.jsonl", b'{"text": null}\n', 'field: line 1 has no text under "text", but None'),
        ("a.jsonl", b'{"text": ["a"]}\n', "line 1 has no text under \"text\", but ['a']"),
        ("a.jsonl", b'{"text": "half \\ud83d"}\n', "line 1 holds half a character"),
        ("a.jsonl", b'{"text": "ok"}\n{"text": "\xff"}\n', "line 2 is not UTF-8"),
        ("a.jsonl.gz", gzip.compress(LINES.encode())[:40], "is damaged or cut short"),
        (
            "a.jsonl",
            b"\n\n",
            "no document has 1 characters or more (0 elsewhere, 0 too_short, 0 without_text, 0 rows, 0 files)",
        ),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    said = refusal(files(tmp_path / name), tmp_path)
    assert said.startswith(str(tmp_path / name))
    assert message in said
    assert "\nRemedy: " in said


GOOD = "A page of a site with enough words to be a document.\n"
BAD = {
    **{
        "todo.txt": b"",
        "scan.txt": "caf\u00e9".encode("cp1252"),
        "photo.md": b"\x89PNG\r\n\x1a\n\0\0",
        "cut.jsonl.gz": b"\x1f\x8b",
    },
    **{"_category_.json": b'{"label": "Guides", "position": 2}', "nulls.jsonl": b'{"text": null}\n{"text": "fine"}\n'},
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_file_does_not_end_the_reading_of_all(tmp_path: Path, name: str) -> None:
    paths = [tmp_path / f"d{number}.md" for number in range(3)] + [tmp_path / name]
    for path in paths[:3]:
        path.write_text(GOOD)
    paths[3].write_bytes(BAD[name])
    documents, facts = collect(files(*sorted(paths), strict=False), tmp_path)
    assert len(documents) == 4 if name == "nulls.jsonl" else 3
    assert facts["left_out"]["rows" if name.endswith(("json", "jsonl")) else "files"] == 1
    (said,) = facts["passed_over"]
    assert said.startswith(str(tmp_path / name)) and "\nRemedy: " in said
    assert said in refusal(files(*sorted(paths), strict=True), tmp_path / "strict")


def test_where_nothing_can_be_read_the_first_fault_is_told_with_the_number_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "x"}\n' * 9)
    (tmp_path / "b.txt").touch()
    said = refusal(files(tmp_path / "a.jsonl", tmp_path / "b.txt", strict=False), tmp_path)
    assert said.startswith(f'{tmp_path}/a.jsonl: field: line 1 has no "text" (9 more files or rows cannot be read, and')
    assert "name one of its fields (body)" in said


def test_what_a_user_reads_of_what_was_left_out(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.jsonl", "c.txt")]
    for path, text in zip(paths, ("fine", '{"text": null}\n' * 1200, ""), strict=True):
        path.write_text(text)
    output = tmp_path / "out.jsonl.zst", tmp_path / "out.json"
    facts = collect_documents(files(*paths, strict=False), *output, ["x/a.pdf", "x/b.PDF", "x/LICENSE"])
    head, *rows, others = tell_left_out([facts, {**facts, "other_files": {"by_ending": "", "first": []}}])
    assert head == "2 files and 2,400 rows could not be read and were passed over; the first:"
    assert len(rows) == 5 and rows[0].startswith(f"{paths[1]}: field: line 1 has no text") and "\n" not in rows[0]
    assert others.startswith("Files of other kinds were not read: 2 .pdf, 1 without an ending (x/a.pdf, x/b.PDF,")
    assert tell_left_out([collect(files(paths[0]), tmp_path)[1]]) == []


def test_a_parquet_file_without_the_field(tmp_path: Path) -> None:
    pd.DataFrame({"body": ["a"]}).to_parquet(tmp_path / "a.parquet")
    assert "name one of its fields (body)" in refusal(files(tmp_path / "a.parquet"), tmp_path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file\nRemedy: put documents there" in refusal(files(), tmp_path)
    said = refusal(files(tmp_path / "gone.txt"), tmp_path)
    assert said.startswith(f"{tmp_path}/gone.txt: cannot be read: No such file or directory")


def test_no_room_on_the_disk(tmp_path: Path) -> None:
    """The shards that are finished stay; of this one nothing does."""
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": os.urandom(500).hex()}) + "\n" for _ in range(200)))
    collect(files(tmp_path / "a.jsonl"), tmp_path)
    finished = (tmp_path / "out/d.jsonl.zst").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(UserError, match=r"e.jsonl.zst: cannot be written: File too large\nRemedy: make room"):
            collect_documents(files(tmp_path / "a.jsonl"), tmp_path / "out/e.jsonl.zst", tmp_path / "out/e.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["d.json", "d.jsonl.zst"]
    assert (tmp_path / "out/d.jsonl.zst").read_bytes() == finished


MEASURE = """
import re, sys
from pathlib import Path
from speclm.data.sources import Source, collect_documents
path = Path(sys.argv[1])
source = Source("files", "-", {path.name: str(path)}, "-", "text", "-", 1, True)
collect_documents(source, path.with_suffix(".out"), path.with_suffix(".m"))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])  # ru_maxrss has the parent's in it
"""


@pytest.mark.parametrize("suffix", [".jsonl.zst", ".parquet"])
def test_memory_does_not_grow_with_the_shard(tmp_path: Path, suffix: str) -> None:
    """16 times as much text, at most a tenth more memory."""

    def peak(documents: int) -> int:
        path = tmp_path / f"{documents}{suffix}"
        texts = [os.urandom(1400).hex() for _ in range(documents)]
        if suffix == ".parquet":
            pd.DataFrame({"text": texts}).to_parquet(path, row_group_size=100)
        else:
            path.write_bytes(zstandard.compress("".join(json.dumps({"text": text}) + "\n" for text in texts).encode()))
        ended = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
            capture_output=True,
            text=True,
            check=True,
        )
        return int(ended.stdout)

    assert peak(6400) < 1.1 * peak(400)
