"""Endings say what a file is."""

import pytest

from speclm.data.formats import file_format, unpacked_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl.gz", ".jsonl"),
        ("c4-train.00000-of-01024.json.gz", ".json"),
        ("a.md", ".md"),
        ("a.csv.xz", ".csv"),
        ("a.parquet", ".parquet"),
        ("SCAN.TXT", ".txt"),
        ("README.MD.GZ", ".md"),
        ("A.Parquet", ".parquet"),
        *((f"a{ending}", ending) for ending in (".ndjson", ".tsv", ".markdown", ".rst", ".html", ".htm")),
        *((name, "") for name in ("a.parquet.gz", "a.pdf", "a.gz", "README")),
    ],
)
def test_format_by_name(name: str, expected: str) -> None:
    assert file_format(name) == expected


def test_names_without_compression() -> None:
    assert [unpacked_name(name) for name in ("x/a.jsonl.gz", "x/a.jsonl", "a.zst")] == ["x/a.jsonl", "x/a.jsonl", "a"]
    assert unpacked_name("a.TXT.GZ") == "a.TXT"
