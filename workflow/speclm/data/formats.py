"""The formats of files that can be read, by the endings of their names; capitals are the same.

"A.JSONL.gz"   ->   format ".jsonl", packing ".gz"
"""

from __future__ import annotations

from pathlib import PurePosixPath

OBJECTS, TABLES, PAGES = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv"), (".html", ".htm")
TEXTS = (".txt", ".text", ".md", ".markdown", ".rst")
FORMATS = (*OBJECTS, *TABLES, ".parquet", *TEXTS, *PAGES)
PACKED = (".gz", ".xz", ".zst")


def file_format(name: str) -> str:
    """The ending under the compression, in small letters: ".jsonl" for "A.JSONL.gz"; "" for one that cannot be read."""
    path = PurePosixPath(name)
    if packing(name) and PurePosixPath(path.stem).suffix.lower() != ".parquet":
        path = PurePosixPath(path.stem)
    suffix = path.suffix.lower()
    return suffix if suffix in FORMATS else ""


def packing(name: str) -> str:
    """The ending of a compression, in small letters; "" for none."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in PACKED else ""


def unpacked_name(name: str) -> str:
    """The name without the ending of a compression."""
    return str(PurePosixPath(name).with_suffix("")) if packing(name) else name
