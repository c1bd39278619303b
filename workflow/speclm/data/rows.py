"""Rows of a file, one at a time, with the line that each stands on.

In goes an open file and its name; out come numbered rows: of .jsonl and .ndjson (and of .json, as C4's) one object a
line, of .json also the objects of one list, of .csv and .tsv one record under a header, of .parquet one row, of .txt,
.md, .markdown and .rst the whole text as one row, of .html its text. All but .parquet also compressed, as .gz, .xz or
.zst; endings in capitals are the same:

    {"text": "one"}\\n{"text": "two"}\\n   ->   (1, {"text": "one"}), (2, {"text": "two"})

In the place of a row that cannot be read stands the `UserError` that says why. Memory holds one row, however large the
file: what is longer than `LONGEST` is refused. The rows are taken apart here and not by the loaders of `datasets`,
which for a bad line read the whole file (1.4 GB for one of 478 MB), refuse rows that have one field more than those
before, and do not say on which line an error is.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, BinaryIO

from speclm.data.formats import FORMATS, OBJECTS, PACKED, PAGES, TABLES, file_format
from speclm.data.lines import ANEW, LONGEST, read_lines
from speclm.data.webpage import page_text
from speclm.stage.errors import UserError

Row = Mapping[str, Any] | str  # a text file's row is its text
Lines = Iterator[tuple[int, str | UserError]]
Rows = Iterator[tuple[int, Row | UserError]]
_SEPARATORS = {".csv": ",;\t|", ".tsv": "\t,;|"}
_BLOCK = 1 << 20
_PARQUET_ROWS = 16  # decoded together
_EMPTY = "remove it, or fill it; finished shards are kept"


def read_rows(stream: BinaryIO, name: str, where: str, fields: Sequence[str]) -> Rows:
    """The rows of a file, each with its line or (in .parquet, .txt and lists of .json) its number, from 1.

    Args:
        name: says the format. where: the file as the user knows it, for errors.
        fields: those that are needed: the columns that are read of a .parquet file, by which the separator of a .csv
            file is found.

    Raises:
        UserError: an unknown format; a file that is empty, binary, damaged or cut short; a text in another encoding or
            longer than `LONGEST`; a header with a needed field twice.
    """
    kind = file_format(name)
    if kind == ".parquet":
        return _parquet_rows(stream, where, fields)
    if not kind:
        formats = f"give files that end in {', '.join(FORMATS)}, all but .parquet also compressed ({', '.join(PACKED)})"
        raise UserError("is of an unknown kind", where=where, remedy=formats)
    lines = read_lines(stream, name, where)
    if kind in TABLES:
        return _table_rows(lines, where, fields, _SEPARATORS[kind])
    if kind in OBJECTS:
        return _json_rows(lines, where)
    return _text_row(lines, where, page=kind in PAGES)


def lookup(row: Mapping[str, Any], field: str) -> Any:
    """The value of a field, of a nested one by its path ("meta.pile_set_name"); a name may have dots of its own.

    Raises:
        KeyError: the row has no such field.
    """
    if field in row:
        return row[field]
    for place, character in enumerate(field):
        inner = row.get(field[:place]) if character == "." else None
        if isinstance(inner, Mapping):
            try:
                return lookup(inner, field[place + 1 :])
            except KeyError:
                continue
    raise KeyError(field)


def _json_rows(lines: Lines, where: str) -> Rows:
    """One object a line or, where the first line is none, the objects of the whole file: a list, or a single one."""
    begun = list[tuple[int, str | UserError]]()
    for number, line in lines:
        begun.append((number, line))
        if isinstance(line, UserError) or line.strip():
            break
    first = begun[-1][1] if begun else ""
    if isinstance(first, str) and first.lstrip()[:1] in ("[", "{") and not isinstance(_parsed(first), dict):
        size = 0
        while size < LONGEST and (following := next(lines, None)):
            begun.append(following)
            size += len(str(following[1]))
        texts = [line for _, line in begun if isinstance(line, str)]
        whole = _parsed("\n".join(texts)) if size < LONGEST and len(texts) == len(begun) else None
        if isinstance(whole, list | dict):
            yield from enumerate(
                (_object(value, number, where) for number, value in enumerate(_listed(whole), start=1)), start=1
            )
            return
    for number, line in chain(begun, lines):
        if isinstance(line, UserError):
            yield number, line
        elif text := line.strip().lstrip("\ufeff"):  # files that were joined have their marks within
            yield number, _object(_parsed(text), number, where)


def _listed(value: list[Any] | dict[str, Any]) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _parsed(text: str) -> Any:
    """What the text is as JSON; the error's words where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return str(error)


def _object(value: Any, number: int, where: str) -> Row | UserError:
    if isinstance(value, dict):
        return value
    return UserError(
        f"line {number} is not one JSON object" + (f" ({value})" if isinstance(value, str) else ""),
        where=where,
        remedy="write every document as one JSON object on one line",
    )


def _table_rows(lines: Lines, where: str, fields: Sequence[str], separators: str) -> Rows:
    csv.field_size_limit(LONGEST)
    bad = list[UserError]()

    def readable() -> Iterator[str]:
        for _, line in lines:
            if isinstance(line, UserError):
                bad.append(line)
            yield "\n" if isinstance(line, UserError) else f"{line}\n"  # so that lines are counted

    text = readable()
    first = next(text, "\n")
    if bad:
        raise bad[0]
    separator = _separator(first, fields, separators)
    records = csv.reader(chain([first], text), delimiter=separator, strict=True)
    try:
        header = next(records, [])
    except csv.Error as error:
        raise _no_record(str(error), records.line_num, where) from error
    for field in fields:
        if header.count(field) > 1:
            raise UserError(
                f'has {header.count(field)} columns that are called "{field}"',
                where=where,
                key="field",
                remedy="give each column of the header a name of its own, and name the one with the text: field=…",
            )
    while True:
        number = records.line_num + 1
        record: list[str] | None = []
        try:
            record, fault = next(records, None), ""
        except csv.Error as error:
            fault = str(error)
        if bad:  # the record has a gap, if it is one
            yield from ((number, error) for error in bad)
            bad.clear()
        elif record is None:
            return
        elif record and len(record) == len(header):
            yield number, dict(zip(header, record, strict=True))
        elif record or fault:
            fault = fault or f"{len(record)} fields under a header of {len(header)}"
            yield number, _no_record(fault, records.line_num, where)


def _separator(header: str, fields: Sequence[str], separators: str) -> str:
    """The first by which the header has the fields; if none does, the usual one."""
    for separator in separators:
        names = next(csv.reader([header], delimiter=separator), [])
        if all(any(field == name or field.startswith(f"{name}.") for name in names) for field in fields):
            return separator
    return separators[0]


def _no_record(fault: str, number: int, where: str) -> UserError:
    return UserError(
        f"line {number} is not CSV as its header says ({fault})",
        where=where,
        remedy='separate fields as the header does, and quote those that hold separators, quotes ("") or line ends',
    )


def _text_row(lines: Lines, where: str, page: bool) -> Rows:
    kept, size = list[str](), 0
    for _, line in lines:
        if isinstance(line, UserError):
            raise line
        kept.append(line)
        size += len(line) + 1
        if size > LONGEST:
            raise UserError(
                f"is longer than {LONGEST >> 20} MB, and a text file is one document",
                where=where,
                remedy="divide it into one file for each document, or write .jsonl; finished shards are kept",
            )
    text = "\n".join(kept)
    yield 1, page_text(text) if page else text


def _parquet_rows(stream: BinaryIO, where: str, fields: Iterable[str]) -> Rows:
    import pyarrow as pa  # half a second, which other formats do not need
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BLOCK)
        names = file.schema_arrow.names
        columns = [name for name in names if any(field == name or field.startswith(f"{name}.") for field in fields)]
        number = 0
        for batch in file.iter_batches(_PARQUET_ROWS, columns=columns or names, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and type(error) is not OSError:
            raise  # of the connection; Arrow's own for a damaged page are plain
        raise UserError(f"cannot be read as .parquet ({error})", where=where, remedy=ANEW) from error
    if number == 0:
        raise UserError("is empty", where=where, remedy=_EMPTY)
