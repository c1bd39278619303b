"""Rows come with their lines, and every kind of bad file is refused by name, place and remedy."""

import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from speclm.data.rows import LONGEST, file_format, lookup, read_rows, unpacked_name
from speclm.stage.errors import UserError

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def rows(content: bytes, name: str) -> list[tuple[int, Any]]:
    return list(read_rows(io.BytesIO(content), name, f"/data/{name}", ["text"]))


def refusal(content: bytes, name: str) -> str:
    with pytest.raises(UserError) as caught:
        rows(content, name)
    assert str(caught.value).startswith(f"/data/{name}: ")
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl.gz", ".jsonl"),
        ("c4-train.00000-of-01024.json.gz", ".json"),
        ("a.md", ".md"),
        ("a.csv.xz", ".csv"),
        ("a.parquet", ".parquet"),
        *((name, "") for name in ("a.parquet.gz", "a.pdf", "a.gz", "README")),
    ],
)
def test_format_by_name(name: str, expected: str) -> None:
    assert file_format(name) == expected


def test_names_without_compression() -> None:
    assert [unpacked_name(name) for name in ("x/a.jsonl.gz", "x/a.jsonl", "a.zst")] == ["x/a.jsonl", "x/a.jsonl", "a"]


@given(
    st.lists(st.dictionaries(st.text(max_size=9), st.none() | st.text(max_size=9)), max_size=4),
    st.sampled_from(list(PACK)),
)
def test_json_lines_come_back_each_with_its_line(objects: list[dict[str, Any]], packed: str) -> None:
    content = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in objects)
    kept = [character for character in content if not "\ud800" <= character <= "\udfff"]
    if content and len(kept) == len(content):
        assert rows(PACK[packed](content.encode()), f"a.jsonl{packed}") == list(enumerate(objects, start=1))


@given(st.lists(st.lists(st.text(alphabet='ab,"\n é', max_size=9), min_size=2, max_size=2), min_size=1))
def test_csv_comes_back_each_record_with_its_first_line(records: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["text", "n"], *records])
    found = rows(written.getvalue().encode(), "a.csv")
    assert [list(row.values()) for _, row in found] == records
    lines = 2
    for (number, _), record in zip(found, records, strict=True):
        assert number == lines
        lines += 1 + sum(field.count("\n") for field in record)


@pytest.mark.parametrize("packed", PACK)
def test_a_text_file_is_one_row_and_blank_lines_of_json_none(packed: str) -> None:
    assert rows(PACK[packed](b"one\r\n\n# two\n"), f"a.md{packed}") == [(1, "one\r\n\n# two")]
    assert rows(PACK[packed](b'\xef\xbb\xbf{"a": 1}\n\n \n{"a": 2}'), f"a.json{packed}") == [
        (1, {"a": 1}),
        (4, {"a": 2}),
    ]


def test_only_the_columns_asked_for_are_read_of_parquet() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"text": [f"t{i}" for i in range(40)], "big": 1}).to_parquet(buffer, row_group_size=7)
    assert rows(buffer.getvalue(), "a.parquet") == [(i + 1, {"text": f"t{i}"}) for i in range(40)]


def test_nested_fields() -> None:
    row = {"meta": {"set": "ArXiv"}, "text": "t"}
    assert (lookup(row, "text"), lookup(row, "meta.set")) == ("t", "ArXiv")
    for missing in ("body", "meta.name", "text.x"):
        with pytest.raises(KeyError):
            lookup(row, missing)


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
@pytest.mark.parametrize("part", [0.5, 0.99])
def test_a_file_cut_short(packed: str, part: float) -> None:
    whole = PACK[packed]("".join(f'{{"text": "{i * i}"}}\n' for i in range(3000)).encode())
    said = refusal(whole[: int(part * len(whole))], f"a.jsonl{packed}")
    assert "is damaged or cut short after" in said
    assert "Remedy: fetch or make this file anew; finished shards are kept" in said


def test_several_compressed_parts_in_one_file() -> None:
    for packed in (".gz", ".xz", ".zst"):
        content = PACK[packed](b'{"a": 1}\n') + PACK[packed](b'{"a": 2}\n')
        assert len(rows(content, f"a.jsonl{packed}")) == 2


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
FINE = b'{"text": "caf\xc3\xa9"}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"", "is empty\nRemedy: remove it, or fill it"),
        ("a.txt.gz", gzip.compress(b""), "is empty"),
        ("a.txt", PNG, "is no text: it holds null bytes, as binary files do\nRemedy: give files that end in .jsonl"),
        ("a.jsonl", gzip.compress(FINE), "is no text: it holds null bytes"),
        ("a.txt", b"\0" * 5000, "is no text: it holds null bytes"),
        ("a.jsonl", FINE * 1000 + b'{"text": "' + b"\0" * 9 + b'"}', "line 1001 holds null bytes"),
        ("a.jsonl", FINE + b'{"text": "caf\xe9"}\n', "line 2 is not UTF-8 (invalid continuation byte at byte 13)"),
        ("a.md", FINE * 3 + b"caf\xe9", "line 4 is not UTF-8 (unexpected end of data at byte 3)"),
        ("a.csv", b"text\nfine\ncaf\xe9\n", "line 3 is not UTF-8"),
        ("a.jsonl", FINE + b'{"text": \n', "line 2 is not one JSON object (Expecting value"),
        ("a.json", b'[{"text": "a"},\n{"text": "b"}]', "line 1 is not one JSON object (Expecting value"),
        ("a.json", FINE + b'["text"]', "line 2 is not one JSON object\nRemedy: write every document as one"),
        ("a.csv", b'text,n\na,1\n"b, 2\n', "line 3 is not CSV as its header says (unexpected end of data)"),
        ("a.csv", b"text,n\na,1\nb\n", "line 3 is not CSV as its header says (1 fields under a header of 2)"),
        ("a.jsonl.zst", b"no zstandard", "is damaged or cut short after 0 bytes"),
        ("a.parquet", b"PAR1 and no more", "cannot be read as .parquet"),
        ("a.pdf", b"%PDF", "is of an unknown kind\nRemedy: give files that end in"),
    ],
)
def test_bad_files_are_refused_with_place_and_remedy(name: str, content: bytes, message: str) -> None:
    said = refusal(content, name)
    assert message in said
    assert "Remedy: " in said


def test_utf8_can_be_broken_where_blocks_meet() -> None:
    text = "é" * (1 << 20)  # the first block ends within a character
    assert rows(b"a" + text.encode(), "a.txt") == [(1, "a" + text)]


def test_a_long_line_is_refused_before_it_is_in_memory() -> None:
    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            self.read_so_far += size
            return b"a" * size

    for name in ("a.jsonl", "a.txt", "a.csv"):
        stream = Endless()
        with pytest.raises(UserError, match=r"line 1 is longer than 32 MB(.|\n)*finished shards are kept"):
            list(read_rows(stream, name, name, ["text"]))  # type: ignore[arg-type]
        assert stream.read_so_far <= LONGEST + (2 << 20)


def test_one_long_line_among_others_is_named() -> None:
    content = FINE * 4 + b'{"text": "' + b"a" * (100 << 20) + b'"}\n' + FINE
    assert "line 5 is longer than 32 MB" in refusal(zstandard.compress(content), "a.jsonl.zst")


def test_a_long_text_file_is_refused() -> None:
    assert "is longer than 32 MB, and a text file is one document" in refusal((b"a" * 9999 + b"\n") * 4000, "a.txt")
