"""Where documents come from: the docstrings of installed packages, the user's own files, or the hub.

In goes a source, which is one shard of a data set; out comes one JSON line per document and a manifest that says what
was read, and what was left out:

    {"id": "mail/2024.jsonl.gz:17", "text": "The invoice of March …", "origin": "mail/2024.jsonl.gz"}

A file or row that cannot be read is passed over, counted, and told; where the source is strict it ends the reading, and
so does, strict or not, what a hub does not deliver whole. One document is in memory at a time. The paper takes
C4 and nine subsets of the Pile; packages as domains are this project's stand-in on a laptop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from speclm.data.docstrings import Document, read_installed_docs
from speclm.data.hub import open_hub_file
from speclm.data.lines import LONGEST
from speclm.data.local import by_ending, local_path
from speclm.data.rows import Row, lookup, read_rows
from speclm.data.shards import NONE, TABLE
from speclm.data.tally import TOLD, Tally
from speclm.data.text import clean
from speclm.stage.errors import UserError
from speclm.stage.files import write_documents, write_json

FIELD = "field=… of a domain of your own, FIELD=… of make specialize, else the column of config/datasets.tsv"


@dataclass(frozen=True)
class Source:
    """One shard of a data set, and which documents of it are taken.

    Attributes:
        kind: what `files` are: packages ("name" or "name==version"), local files or files of the hub.
        source: the data set's own, for errors.
        files: name to place, in the order of reading.
        revision: the commit of hub files.
        field: the field that holds the text ("a.b": b within a); .txt and .md are text themselves.
        where: "field=value" that a row has to have, or "-".
        minimum_characters: shorter documents are left out.
        strict: whether what cannot be read is refused, not passed over.
    """

    kind: Literal["installed_docs", "files", "hub"]
    source: str
    files: dict[str, str]
    revision: str
    field: str
    where: str
    minimum_characters: int
    strict: bool


def collect_documents(source: Source, output: Path, manifest: Path, others: Sequence[str] = ()) -> dict[str, Any]:
    """Write the documents of a source, and a manifest with counts and checksums for each origin.

    Args:
        others: files that lie beside the source's and are of no kind that can be read.

    Returns:
        The manifest: totals; rows left out, by reason; what was passed over, in words, the first few; for each origin
        its files, documents, characters and the SHA-256 of its texts; for each file its bytes and their SHA-256.

    Raises:
        UserError: a package that is missing or of another version; what `open_hub_file` refuses; no document. Of a
            strict source also a missing, unreadable or empty file, and everything that `read_rows` refuses; a row
            without the field.
    """
    if not source.files:
        raise UserError(
            "there is no such file",
            where=source.source,
            key="source",
            remedy="put documents there (config/README.md), or name other files in config/datasets.tsv",
        )
    tally = Tally()
    documents = (
        read_installed_docs(tuple(source.files), source.minimum_characters)
        if source.kind == "installed_docs"
        else read_files(source, tally)
    )
    count = write_documents(output, tally.counted(documents))
    if count == 0:
        output.unlink()
        raise _nothing(source, tally)
    facts = {
        "documents": count,
        "characters": sum(origin.characters for origin in tally.origins.values()),
        "left_out": tally.left_out,
        "passed_over": tally.passed_over,
        "other_files": {"by_ending": by_ending(others), "first": list(others[:TOLD])},
        "origins": [{"origin": name, **origin.facts()} for name, origin in tally.origins.items()],
        "files": tally.files,
    }
    write_json(manifest, facts)
    return facts


def read_files(source: Source, tally: Tally) -> Iterator[Document]:
    """Documents of local files or of the hub's, in the order of files and rows.

    Raises:
        UserError: as `collect_documents`; also a file whose bytes are not those that the hub states.
    """
    tally.left_out |= dict.fromkeys(("elsewhere", "too_short", "without_text", "rows", "files"), 0)
    for name, place in source.files.items():
        try:
            with _open(source, place) as (stream, stated):
                read = Reading(stream)
                yield from _documents(source, cast(BinaryIO, read), name, place, tally)
                tally.files.append({"name": name, **read.facts(place, stated)})
        except UserError as error:
            if source.strict or source.kind == "hub":
                raise
            tally.pass_over("files", error)


def _documents(source: Source, stream: BinaryIO, name: str, place: str, tally: Tally) -> Iterator[Document]:
    """Those of one file."""
    condition, _, wanted = ("", "", "") if source.where == NONE else source.where.partition("=")
    for number, row in read_rows(stream, name, place, [source.field, condition] if condition else [source.field]):
        try:
            if isinstance(row, UserError):
                raise row
            if condition and str(_value(row, condition, "where", place, number)) != wanted:
                tally.left_out["elsewhere"] += 1
                continue
            text = clean(_text(row, source.field, place, number))
        except UserError as error:
            if source.strict:
                raise
            tally.pass_over("rows", error)
            continue
        if len(text) >= source.minimum_characters:
            yield {"id": f"{name}:{number}", "text": text, "origin": name}
        else:
            tally.left_out["too_short" if text.strip() else "without_text"] += 1


class Reading:
    """An open file that is measured as it is read from beginning to end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = 0
        self._digest = hashlib.sha256()
        self._whole = True

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._size += len(block)
        self._digest.update(block)
        return block

    def seek(self, offset: int, whence: int = 0) -> int:
        """Of .parquet files, whose parts are read in their own order."""
        self._whole = False
        return self._stream.seek(offset, whence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def facts(self, place: str, stated: str | None) -> dict[str, Any]:
        """Bytes and SHA-256 of the file.

        Raises:
            UserError: they are not what its source states.
        """
        if not self._whole:
            return {"bytes": self._stream.seek(0, 2), "sha256": stated}
        if stated not in (None, self._digest.hexdigest()):
            raise UserError(
                f"has the SHA-256 {self._digest.hexdigest()[:12]}…, but {str(stated)[:12]}… is stated: it was changed, "
                "or damaged on its way",
                where=place,
                remedy="run the same command again; if it stays, remove it from the mirror. Finished shards are kept",
            )
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}


@contextmanager
def _open(source: Source, place: str) -> Iterator[tuple[BinaryIO, str | None]]:
    """An open file, and the SHA-256 that its source states."""
    if source.kind == "hub":
        with open_hub_file(place, source.revision) as opened:
            yield opened
        return
    try:
        with local_path(place).open("rb") as stream:
            yield stream, None
    except OSError as error:
        raise UserError(
            f"cannot be read: {error.strerror or error}", where=place, remedy=f"restore it, or name others in {TABLE}"
        ) from error


def _text(row: Row, field: str, place: str, number: int) -> str:
    if isinstance(row, str):
        return row
    text = _value(row, field, "field", place, number)
    if not isinstance(text, str):
        raise UserError(
            f'line {number} has no text under "{field}", but {text!r:.40}',
            where=place,
            key="field",
            remedy=f"name the field with the text ({FIELD}), or take this line out",
        )
    if len(text) > LONGEST:
        raise UserError(
            f"line {number} has a text of {len(text):,} characters",
            where=place,
            remedy=f"divide it into documents of {LONGEST >> 20} MB at most; finished shards are kept",
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"line {number} holds half a character ({error.reason} at character {error.start})",
            where=place,
            key="field",
            remedy="write it anew, without lone surrogates such as \\ud83d",
        ) from error
    return text


def _value(row: Row, field: str, key: str, place: str, number: int) -> Any:
    try:
        return lookup({} if isinstance(row, str) else row, field)
    except KeyError as error:
        fields = ", ".join(sorted(row)) if isinstance(row, Mapping) else "none: it is plain text"
        raise UserError(
            f'line {number} has no "{field}"',
            where=place,
            key=key,
            remedy=f"name one of its fields ({fields}): {FIELD}; or take this line out, or name files by a pattern "
            "that leaves this one out (docs/**/*.md)",
        ) from error


def _nothing(source: Source, tally: Tally) -> UserError:
    message = f"no document has {source.minimum_characters} characters or more"
    remedy = f"name more in {TABLE}, or lower documents.minimum_characters"
    if tally.left_out.get("elsewhere"):
        message, remedy = f"no row with {source.where} is long enough", f'correct "where" in {TABLE}, or {remedy}'
    if tally.passed_over:
        first, _, its_remedy = tally.passed_over[0].partition("\nRemedy: ")
        others = tally.left_out["files"] + tally.left_out["rows"] - 1
        count = f" ({others:,} more files or rows cannot be read, and no document is left)" if others else ""
        return UserError(f"{first}{count}", remedy=its_remedy)
    counts = ", ".join(f"{number} {reason}" for reason, number in tally.left_out.items())
    places = ", ".join(list(source.files.values())[:3])
    return UserError(f"{message} ({counts})" if counts else message, where=places, key="source", remedy=remedy)
