"""Rows of a file, one at a time, with the line that each stands on.

In goes an open file and its name; out come numbered rows: of .jsonl (also named .json, as C4's are) one object a line,
of .csv one record under a header, of .parquet one row, of .txt and .md the whole text as one row. All but .parquet also
compressed, as .gz, .xz or .zst:

    {"text": "one"}\\n{"text": "two"}\\n   ->   (1, {"text": "one"}), (2, {"text": "two"})

Memory holds one row, however large the file: what is longer than `LONGEST` is refused. The rows are taken apart here
and not by the loaders of `datasets`, which for a bad line read the whole file (1.4 GB for one of 478 MB), refuse rows
that have one field more than those before, and do not say on which line an error is.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import zstandard

from speclm.stage.errors import UserError
from speclm.stage.files import unzstd

Row = Mapping[str, Any] | str  # a text file's row is its text
FORMATS = (".jsonl", ".json", ".csv", ".parquet", ".txt", ".md")
PACKED = (".gz", ".xz", ".zst")
LONGEST = 1 << 25  # bytes of one line, record or text file
_BLOCK = 1 << 20
_PARQUET_ROWS = 16  # decoded together
_FILES = f"give files that end in {', '.join(FORMATS)}, all but .parquet also compressed ({', '.join(PACKED)})"
_ANEW = "fetch or make this file anew; finished shards are kept"


def file_format(name: str) -> str:
    """The ending under the compression: ".jsonl" for "a.jsonl.gz"; "" for one that cannot be read."""
    path = PurePosixPath(name)
    if path.suffix in PACKED and PurePosixPath(path.stem).suffix != ".parquet":
        path = PurePosixPath(path.stem)
    return path.suffix if path.suffix in FORMATS else ""


def unpacked_name(name: str) -> str:
    """The name without the ending of a compression."""
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).suffix in PACKED else name


def read_rows(stream: BinaryIO, name: str, where: str, fields: Iterable[str]) -> Iterator[tuple[int, Row]]:
    """The rows of a file, each with its line or (in .parquet and .txt) its number, from 1.

    Args:
        name: says the format. where: the file as the user knows it, for errors.
        fields: the columns that are read of a .parquet file.

    Raises:
        UserError: an unknown format; a file that is empty, binary, damaged or cut short; bytes that are not UTF-8, null
            bytes, a line that is not of the format (with its number); a line, record or text longer than `LONGEST`.
    """
    match file_format(name):
        case ".jsonl" | ".json":
            return _json_rows(_lines(_blocks(stream, name, where), where), where)
        case ".csv":
            return _csv_rows(_lines(_blocks(stream, name, where), where), where)
        case ".txt" | ".md":
            return _text_row(_lines(_blocks(stream, name, where), where), where)
        case ".parquet":
            return _parquet_rows(stream, where, list(fields))
    raise UserError("is of an unknown kind", where=where, remedy=_FILES)


def lookup(row: Mapping[str, Any], field: str) -> Any:
    """The value of a field, of a nested one by its path ("meta.pile_set_name").

    Raises:
        KeyError: the row has no such field.
    """
    value: Any = row
    for key in field.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise KeyError(field)
        value = value[key]
    return value


def _blocks(stream: BinaryIO, name: str, where: str) -> Iterator[bytes]:
    """The decompressed bytes, after a look at the first of them."""
    size = 0
    try:
        for block in _decompressed(stream, PurePosixPath(name).suffix):
            if size == 0 and b"\0" in block[:8192]:
                raise UserError("is no text: it holds null bytes, as binary files do", where=where, remedy=_FILES)
            yield block.removeprefix(b"\xef\xbb\xbf") if size == 0 else block
            size += len(block)
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError) as error:
        message = f"is damaged or cut short after {size:,} bytes of text ({error})"
        raise UserError(message, where=where, remedy=_ANEW) from error
    if size == 0:
        raise UserError("is empty", where=where, remedy="remove it, or fill it; finished shards are kept")


def _decompressed(stream: BinaryIO, suffix: str) -> Iterator[bytes]:
    if suffix == ".zst":
        yield from filter(None, unzstd(stream))
        return
    unpack: Any = {".gz": gzip.open, ".xz": lzma.open}.get(suffix, nullcontext)
    with unpack(stream) as plain:
        while block := plain.read(_BLOCK):
            yield block


def _lines(blocks: Iterable[bytes], where: str) -> Iterator[tuple[int, str]]:
    """Numbered lines without their ends, each checked for length, null bytes and UTF-8."""
    number, parts, size = 1, list[bytes](), 0
    for block in blocks:
        pieces = block.split(b"\n")
        for last, piece in enumerate(pieces, start=1 - len(pieces)):
            size += len(piece)
            if size > LONGEST:
                raise UserError(
                    f"line {number} is longer than {LONGEST >> 20} MB",
                    where=where,
                    remedy="take this line out, or divide its text into documents; finished shards are kept",
                )
            parts.append(piece)
            if last < 0:  # a line end follows
                yield number, _decode(b"".join(parts), where, number)
                number, parts, size = number + 1, [], 0
    if size:
        yield number, _decode(b"".join(parts), where, number)


def _decode(line: bytes, where: str, number: int) -> str:
    if b"\0" in line:
        raise UserError(
            f"line {number} holds null bytes, as a full disk or a broken copy leaves them", where=where, remedy=_ANEW
        )
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(error, where, number) from error


def _not_utf8(error: UnicodeDecodeError, where: str, number: int) -> UserError:
    return UserError(
        f"line {number} is not UTF-8 ({error.reason} at byte {error.start})",
        where=where,
        remedy="convert the file, or those of its lines that are in another encoding: iconv -f latin1 -t utf-8",
    )


def _json_rows(lines: Iterator[tuple[int, str]], where: str) -> Iterator[tuple[int, Row]]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row = str(error)
        if not isinstance(row, dict):
            raise UserError(
                f"line {number} is not one JSON object" + (f" ({row})" if isinstance(row, str) else ""),
                where=where,
                remedy="write every document as one JSON object on one line",
            )
        yield number, row


def _csv_rows(lines: Iterator[tuple[int, str]], where: str) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(LONGEST)
    records = csv.reader((f"{line}\n" for _, line in lines), strict=True)
    try:
        header = next(records, [])
        while True:
            start = records.line_num + 1
            record = next(records, None)
            if record is None:
                return
            if record and len(record) != len(header):
                raise csv.Error(f"{len(record)} fields under a header of {len(header)}")
            if record:
                yield start, dict(zip(header, record, strict=True))
    except csv.Error as error:
        raise UserError(
            f"line {records.line_num} is not CSV as its header says ({error})",
            where=where,
            remedy='separate fields by commas, and quote those that hold commas, quotes ("") or line ends',
        ) from error


def _text_row(lines: Iterator[tuple[int, str]], where: str) -> Iterator[tuple[int, Row]]:
    kept, size = [], 0
    for _, line in lines:
        kept.append(line)
        size += len(line) + 1
        if size > LONGEST:
            raise UserError(
                f"is longer than {LONGEST >> 20} MB, and a text file is one document",
                where=where,
                remedy="divide it into one file for each document, or write .jsonl; finished shards are kept",
            )
    yield 1, "\n".join(kept)


def _parquet_rows(stream: BinaryIO, where: str, fields: list[str]) -> Iterator[tuple[int, Row]]:
    import pyarrow as pa  # half a second, which other formats do not need
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BLOCK)
        columns = [field for field in file.schema_arrow.names if field in {name.split(".")[0] for name in fields}]
        number = 0
        for batch in file.iter_batches(_PARQUET_ROWS, columns=columns or file.schema_arrow.names, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and type(error) is not OSError:
            raise  # of the connection; Arrow's own for a damaged page are plain
        raise UserError(f"cannot be read as .parquet ({error})", where=where, remedy=_ANEW) from error
    if number == 0:
        raise UserError("is empty", where=where, remedy="remove it, or fill it; finished shards are kept")
