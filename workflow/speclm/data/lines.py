"""The lines of a file, one at a time, whether it is packed or not; and what of it cannot be read.

In go an open file and its name; out come numbered lines of text or, in the place of one that cannot be read, a
`UserError` that says why: reading goes on behind it. What ends the reading of the whole file is raised.

    b"one\\n\\xff\\nthree"  ->  (1, "one"), (2, UserError("… line 2 is not UTF-8")), (3, "three")

Memory holds one line: of one longer than `LONGEST` the rest is passed over. Only line feeds end a line: other signs
that divide lines (U+2028, U+0085, form feeds) are part of the text.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any, BinaryIO

import zstandard

from speclm.data.encoding import explain_encoding
from speclm.data.formats import packing
from speclm.stage.errors import UserError
from speclm.stage.files import unzstd

LONGEST = 1 << 25  # bytes of one line, record or text file
ANEW = "fetch or make this file anew; finished shards are kept"
_BLOCK = 1 << 20
_LOOKED_AT = 1 << 13


def read_lines(stream: BinaryIO, name: str, where: str) -> Iterator[tuple[int, str | UserError]]:
    """Numbered lines without their ends, from 1.

    Args:
        name: says the compression. where: the file as the user knows it, for errors.

    Raises:
        UserError: the file is empty, binary, damaged or cut short.
    """
    number, parts, size = 1, list[bytes](), 0
    for block in _blocks(stream, name, where):
        pieces = block.split(b"\n")
        for last, piece in enumerate(pieces, start=1 - len(pieces)):
            if size <= LONGEST:  # of what is longer the rest is not kept
                parts.append(piece)
            size += len(piece)
            if last < 0:  # a line end follows
                yield number, _decode(parts, size, where, number)
                number, parts, size = number + 1, [], 0
    if size:
        yield number, _decode(parts, size, where, number)


def _blocks(stream: BinaryIO, name: str, where: str) -> Iterator[bytes]:
    """The decompressed bytes, after a look at the first of them."""
    size = 0
    try:
        for block in _decompressed(stream, packing(name)):
            if size == 0:
                _check_text(block[:_LOOKED_AT], where)
            yield block.removeprefix(b"\xef\xbb\xbf") if size == 0 else block
            size += len(block)
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError) as error:
        message = f"is damaged or cut short after {size:,} bytes of text ({error})"
        raise UserError(message, where=where, remedy=ANEW) from error
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


def _check_text(data: bytes, where: str) -> None:
    """Refuse what begins with null bytes among others."""
    if b"\0" not in data:
        return
    if explained := explain_encoding(data):
        raise UserError(f"is not UTF-8, but {explained[0]}", where=where, remedy=explained[1])
    raise UserError(
        "is no text: it holds null bytes, as binary files do",
        where=where,
        remedy="give files of text (config/README.md)",
    )


def _decode(parts: Iterable[bytes], size: int, where: str, number: int) -> str | UserError:
    """A line, or why it is none."""
    if size > LONGEST:
        return UserError(
            f"line {number} is longer than {LONGEST >> 20} MB",
            where=where,
            remedy="take this line out, or divide its text into documents; finished shards are kept",
        )
    line = b"".join(parts)
    if b"\0" in line:
        return UserError(
            f"line {number} holds null bytes, as a full disk or a broken copy leaves them", where=where, remedy=ANEW
        )
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"line {number} is not UTF-8 ({error.reason} at byte {error.start})"
        explained = explain_encoding(line[max(0, error.start - _LOOKED_AT) :])
    if explained is None:
        return UserError(found, where=where, remedy=ANEW)
    return UserError(f"{found}; it {explained[0]}", where=where, remedy=explained[1])
