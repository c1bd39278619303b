"""Where documents come from: the docstrings of installed packages, or the user's own files.

In goes a source (which packages, or which files); out comes one JSON line per document and a manifest that says what
was read:

    {"id": "mail/2024.jsonl.gz:17", "text": "The invoice of March …", "origin": "mail/2024.jsonl.gz"}

The paper takes C4 and nine subsets of the Pile; packages as domains are this project's stand-in on a laptop.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from speclm.data.docstrings import Document, package_name, read_installed_docs
from speclm.data.text import clean
from speclm.stage.errors import UserError
from speclm.stage.files import write_documents, write_json
from speclm.stage.settings import from_mapping

_READERS = {".jsonl": "json", ".json": "json", ".txt": "text", ".parquet": "parquet"}  # what `datasets` calls them


@dataclass(frozen=True)
class InstalledDocs:
    """Docstrings of installed packages, each named "name" or "name==version"."""

    packages: tuple[str, ...]
    minimum_characters: int


@dataclass(frozen=True)
class Files:
    """The user's own documents.

    Attributes:
        paths: files or patterns (``texts/**/*.jsonl.gz``): .jsonl (also named .json, as C4's are) or .parquet with one
            document a row, .txt with one a file; text files also compressed as .gz or .zst.
        text_field: the column or key that holds the text (.txt files have no other than "text").
        minimum_characters: shorter documents are left out.
    """

    paths: tuple[str, ...]
    text_field: str
    minimum_characters: int


def source_from_settings(settings: Mapping[str, Any], where: str) -> InstalledDocs | Files:
    """The source that a data set's settings describe: ``kind`` and the keys of that kind.

    Raises:
        UserError: an unknown kind, an unknown or missing key, a package named twice.
    """
    rest = {key: value for key, value in settings.items() if key != "kind"}
    match settings.get("kind"):
        case "installed_docs":
            source = from_mapping(InstalledDocs, rest, where)
            repeated = [name for name, count in Counter(map(package_name, source.packages)).items() if count > 1]
            if repeated:
                raise UserError(f"{repeated[0]} is named twice", where=where, key="packages", remedy="name it once")
            return source
        case "files":
            return from_mapping(Files, rest, where)
        case kind:
            raise UserError(f'unknown kind "{kind}"', where=where, key="kind", remedy="one of installed_docs, files")


def collect_documents(source: InstalledDocs | Files, output: Path, manifest: Path) -> dict[str, Any]:
    """Write the documents of a source, and a manifest with counts and a checksum for each origin.

    Returns:
        The manifest: totals, and for each origin its files, documents, characters and the SHA-256 of its texts.

    Raises:
        UserError: a package that is missing or of another version; a missing, unreadable or empty file; no document.
    """
    origins: dict[str, _Tally] = {}

    def counted(documents: Iterator[Document]) -> Iterator[Document]:
        for document in documents:
            origins.setdefault(document["origin"], _Tally()).add(document)
            yield document

    if isinstance(source, InstalledDocs):
        documents, named = read_installed_docs(source.packages, source.minimum_characters), "packages"
    else:
        documents, named = read_files(source.paths, source.text_field, source.minimum_characters), "paths"
    count = write_documents(output, counted(documents))
    if count == 0:
        output.unlink()
        raise UserError(
            f"no document has {source.minimum_characters} characters or more",
            where=", ".join(source.packages if isinstance(source, InstalledDocs) else source.paths),
            key=named,
            remedy=f"name more {named}, or lower minimum_characters",
        )
    facts = {
        "documents": count,
        "characters": sum(tally.characters for tally in origins.values()),
        "origins": [{"origin": origin, **tally.facts()} for origin, tally in origins.items()],
    }
    write_json(manifest, facts)
    return facts


def read_files(paths: tuple[str, ...], text_field: str, minimum_characters: int) -> Iterator[Document]:
    """Documents of the user's files, read with the `datasets` library, sorted by path and row.

    Raises:
        UserError: no such file, an unknown kind of file, a damaged or empty file, bytes that are not UTF-8 (with the
            line), no such field.
    """
    import datasets  # three seconds, which only this source shall cost

    files = sorted({path for pattern in paths for path in _expand(pattern)})
    root = Path(os.path.commonpath([file.parent for file in files]))
    for file in files:
        name = file.relative_to(root).as_posix()
        kind = _READERS.get(_plain_suffix(file))
        if kind is None:
            raise UserError("is of an unknown kind", where=file, remedy="give .jsonl, .txt or .parquet files")
        if kind != "parquet":
            _check_text(file)
        options = {"sample_by": "document"} if kind == "text" else {}
        try:
            rows = datasets.load_dataset(kind, data_files=str(file), split="train", streaming=True, **options)
            for number, row in enumerate(rows, start=1):
                if not isinstance(row.get(text_field), str):
                    raise UserError(
                        f'row {number} has no text under "{text_field}"',
                        where=file,
                        key="text_field",
                        remedy=f"one of the fields {', '.join(sorted(row))}",
                    )
                text = clean(row[text_field])
                if len(text) >= minimum_characters:
                    yield {"id": f"{name}:{number}", "text": text, "origin": name}
        except ValueError as error:  # pyarrow's errors are
            raise UserError(
                f"cannot be read: {error}",
                where=file,
                remedy="make it whole: in .jsonl every line is one JSON object with the same fields",
            ) from error


@dataclass
class _Tally:
    """What one origin gave."""

    documents: int = 0
    characters: int = 0

    def __post_init__(self) -> None:
        self.files: set[str] = set()
        self.digest = hashlib.sha256()

    def add(self, document: Document) -> None:
        self.documents += 1
        self.characters += len(document["text"])
        self.files.add(document["id"].split("::")[0].rsplit(":", 1)[0])
        self.digest.update(f"{document['id']}\0{document['text']}\0".encode())

    def facts(self) -> dict[str, Any]:
        return {
            "files": len(self.files),
            "documents": self.documents,
            "characters": self.characters,
            "sha256": self.digest.hexdigest(),
        }


def _expand(pattern: str) -> list[Path]:
    """The files a path or pattern stands for."""
    path = Path(pattern)
    files = [file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file()]
    if not files:
        raise UserError(
            "there is no such file",
            where=pattern,
            key="paths",
            remedy="put documents there (config/README.md), or name other files in config/datasets.tsv",
        )
    return files


def _plain_suffix(file: Path) -> str:
    """The suffix under the compression: ".jsonl" for "a.jsonl.gz"."""
    return Path(file.stem).suffix if file.suffix in (".gz", ".zst") else file.suffix


def _check_text(file: Path) -> None:
    """Refuse what `datasets` would stumble over, with the place: empty or damaged files, bytes that are not UTF-8."""
    number = 0
    try:
        with _open_binary(file) as stream:
            for line in stream:
                number += 1
                line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"line {number} is not UTF-8 ({error.reason} at byte {error.start})",
            where=file,
            remedy="convert it, for example: iconv -f latin1 -t utf-8",
        ) from error
    except (gzip.BadGzipFile, EOFError, zstandard.ZstdError) as error:
        raise UserError(f"is damaged after line {number} ({error})", where=file, remedy="compress it anew") from error
    if number == 0:
        raise UserError("is empty", where=file, remedy="remove it, or fill it")


def _open_binary(file: Path) -> BinaryIO:
    if file.suffix == ".gz":
        return cast(BinaryIO, gzip.open(file, "rb"))
    if file.suffix == ".zst":
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, zstandard.open(file, "rb"))))
    return file.open("rb")
