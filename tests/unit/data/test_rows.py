"""Rows come with their lines, and every kind of bad file is refused by name, place and remedy."""

import csv
import gzip
import io
import json
import lzma
import tracemalloc
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from speclm.data.lines import LONGEST
from speclm.data.rows import lookup, read_rows
from speclm.stage.errors import UserError

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def rows(content: bytes, name: str, field: str = "text") -> list[tuple[int, Any]]:
    return list(read_rows(io.BytesIO(content), name, f"/data/{name}", [field]))


def faults(content: bytes, name: str) -> list[str]:
    """What is said of single rows."""
    said = [str(row) for _, row in rows(content, name) if isinstance(row, UserError)]
    assert all(text.startswith(f"/data/{name}: ") for text in said)
    return said


def refusal(content: bytes, name: str) -> str:
    """What is said of the whole file."""
    with pytest.raises(UserError) as caught:
        rows(content, name)
    assert str(caught.value).startswith(f"/data/{name}: ")
    return str(caught.value)


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
    for missing in ("body", "meta.name", "text.x", ".", "meta."):
        with pytest.raises(KeyError):
            lookup(row, missing)


def test_a_name_may_have_dots_of_its_own() -> None:
    row = {"page.body": 1, "a.b": {"c": 2, "d.e": 3}, "a": {"x": 4, "b.f": {"g": 5}}}
    assert [lookup(row, field) for field in ("page.body", "a.b.c", "a.b.d.e", "a.x", "a.b.f.g")] == [1, 2, 3, 4, 5]
    buffer = io.BytesIO()
    pd.DataFrame({"page.body": ["t"], "page": ["u"], "other": [1]}).to_parquet(buffer)
    assert [lookup(row, "page.body") for _, row in rows(buffer.getvalue(), "a.parquet", "page.body")] == ["t"]
    assert rows(b"page.body,n\nt,1\n", "a.csv", "page.body") == [(2, {"page.body": "t", "n": "1"})]


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
        ("a.txt", PNG, "is no text: it holds null bytes, as binary files do\nRemedy: give files of text"),
        ("a.jsonl", gzip.compress(FINE), "is no text: it holds null bytes"),
        ("a.txt", b"\0" * 5000, "is no text: it holds null bytes"),
        (
            "a.md",
            FINE * 3 + b"caf\xe9",
            "line 4 is not UTF-8 (unexpected end of data at byte 3); it reads as ISO-8859-1",
        ),
        ("a.csv", b"caf\xe9\n", "line 1 is not UTF-8"),
        ("a.csv", b'"text"x,n\na,1\n', "is not CSV as its header says"),
        ("a.csv", b"text,n,text\na,1,b\n", 'field: has 2 columns that are called "text"\nRemedy: give each column'),
        ("a.jsonl.zst", b"no zstandard", "is damaged or cut short after 0 bytes"),
        ("a.parquet", b"PAR1 and no more", "cannot be read as .parquet"),
        ("a.pdf", b"%PDF", "is of an unknown kind\nRemedy: give files that end in"),
        (
            "a.txt",
            "one line".encode("utf-16"),
            "is not UTF-8, but reads as UTF-16 (one line)\nRemedy: convert the file: iconv",
        ),
    ],
)
def test_bad_files_are_refused_with_place_and_remedy(name: str, content: bytes, message: str) -> None:
    said = refusal(content, name)
    assert message in said
    assert "Remedy: " in said


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", FINE * 1000 + b'{"text": "' + b"\0" * 9 + b'"}', "line 1001 holds null bytes"),
        (
            "a.jsonl",
            FINE + b'{"text": "caf\xe9"}\n' + FINE,
            "line 2 is not UTF-8 (invalid continuation byte at byte 13)",
        ),
        ("a.csv", b"text\nfine\ncaf\xe9\n", "line 3 is not UTF-8"),
        ("a.jsonl", FINE + b'{"text": \n' + FINE, "line 2 is not one JSON object (Expecting value"),
        ("a.json", FINE + b'["text"]\n' + FINE, "line 2 is not one JSON object\nRemedy: write every document as one"),
        ("a.json", b'{"text": \n' + FINE, "line 1 is not one JSON object"),
        ("a.csv", b'text,n\na,1\n"b, 2\n', "line 3 is not CSV as its header says (unexpected end of data)"),
        ("a.csv", b'text,n\n"a" b,1\nc,2\n', "line 2 is not CSV as its header says"),
        ("a.csv", b"text,n\na,1\nb\nc,3\n", "line 3 is not CSV as its header says (1 fields under a header of 2)"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_read(name: str, content: bytes, message: str) -> None:
    (said,) = faults(content, name)
    assert message in said and "\nRemedy: " in said
    good = [row for _, row in rows(content, name) if not isinstance(row, UserError)]
    assert good and all(isinstance(row, dict) for row in good)


def test_a_record_with_a_bad_line_within_is_not_read_without_it() -> None:
    content = b'text,n\n"one\ncaf\xe9\ntwo",1\nthree,2\n'
    assert [row for _, row in rows(content, "a.csv") if isinstance(row, dict)] == [{"text": "three", "n": "2"}]
    assert len(faults(content, "a.csv")) == 1


@pytest.mark.parametrize("space", ["", "\n", "\n  "])
def test_a_list_or_one_object_in_a_json_file(space: str) -> None:
    content = f'{space}[{space}{{"text":{space} "a"}},{space}{{"text": "b"}}, 3{space}]\n'.encode()
    found = rows(content, "a.json")
    assert found[:2] == [(1, {"text": "a"}), (2, {"text": "b"})] and isinstance(found[2][1], UserError)
    assert rows(f'{{{space}"label": "x"}}'.encode(), "_category_.json") == [(1, {"label": "x"})]


def test_byte_order_marks_of_files_that_were_joined() -> None:
    assert rows(b"\xef\xbb\xbf" + FINE + b"\xef\xbb\xbf" + FINE, "a.ndjson") == [
        (1, {"text": "café"}),
        (2, {"text": "café"}),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "A.CSV"])
def test_the_separator_is_found_by_the_field(separator: str, name: str) -> None:
    content = separator.join(["id", "text"]) + "\n" + separator.join(["1", "'a: b'"]) + "\n"
    assert rows(content.encode(), name) == [(2, {"id": "1", "text": "'a: b'"})]


def test_signs_that_divide_lines_are_no_line_ends_of_a_file() -> None:
    text = "one\u2028two\u2029three\x85four\x0cfive\x0bsix\x1cseven"
    assert rows(json.dumps({"text": text}, ensure_ascii=False).encode(), "a.jsonl") == [(1, {"text": text})]
    assert rows(f"text,n\n{text},1\n".encode(), "a.csv") == [(2, {"text": text, "n": "1"})]
    assert rows(text.encode(), "a.rst") == [(1, text)]


def test_web_pages_are_read_as_readers_see_them() -> None:
    page = (
        "<html><head><title>T</title></head><body><nav>menu</nav><h1>Run &amp; see</h1><p>caf\u00e9 <b>au</b>\nlait</p>"
    )
    page += (
        "<pre><code><i>make</i>\n  demo</code></pre><ul><li>one<li>two</ul><script>x()</script><footer>2024</footer>"
    )
    ((number, text),) = rows(page.encode(), "index.HTML")
    assert number == 1
    assert [line.strip() for line in text.splitlines() if line.strip()] == [
        *("Run & see", "caf\u00e9 au lait", "make", "demo", "* one", "* two")
    ]
    assert "make\n  demo" in text
    assert [row for _, row in rows(b"<!-- nothing -->", "a.htm")] == [""]


def test_a_long_window_is_no_damage() -> None:
    window = zstandard.ZstdCompressionParameters.from_level(3, window_log=28, write_content_size=False)
    packed = zstandard.ZstdCompressor(compression_params=window).compressobj()
    content = packed.compress(FINE * 3) + packed.flush()
    assert len(rows(content, "a.jsonl.zst")) == 3


def test_utf8_can_be_broken_where_blocks_meet() -> None:
    text = "é" * (1 << 20)  # the first block ends within a character
    assert rows(b"a" + text.encode(), "a.txt") == [(1, "a" + text)]


def test_a_long_line_is_never_in_memory() -> None:
    """What follows it is read."""
    content = FINE * 4 + b'{"text": "' + b"a" * (200 << 20) + b'"}\n' + FINE
    tracemalloc.start()
    (said,) = faults(content, "a.jsonl")
    assert "line 5 is longer than 32 MB" in said and "finished shards are kept" in said
    assert tracemalloc.get_traced_memory()[1] < 3 * LONGEST
    tracemalloc.stop()
    assert len(rows(content, "a.jsonl")) == 6


def test_a_long_text_file_is_refused() -> None:
    assert "is longer than 32 MB, and a text file is one document" in refusal((b"a" * 9999 + b"\n") * 4000, "a.txt")
    assert "line 1 is longer than 32 MB" in refusal(b"a" * (40 << 20), "a.txt")
