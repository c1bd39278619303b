"""Local files: what paths, folders and patterns stand for, and what of folders cannot be read.

In goes a source, paths and patterns as a shell would have them; out come names and places:

    "letters 'my notes/*.md'"   ->   {"letters/a.txt": "letters/a.txt", "my notes/b.md": "my notes/b.md"}
                                     and ["letters/c.pdf"]

Of a folder all files are taken that can be read, wherever links lead; hidden ones are not looked at. A path that is
there is no pattern, whatever brackets it has. A file name need not be UTF-8: its place is then an address,
file:///caf%E9.txt.
"""

from __future__ import annotations

import glob
import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from speclm.data.formats import file_format

_URI = "file://"


def find_files(source: str) -> tuple[dict[str, str], list[str] | None]:
    """Names and places of the files of a source, sorted, and the places of files in its folders that cannot be read;
    None where it names no folder. Of the names of one file, which links give it, the first counts."""
    found, others, folders = set[Path](), set[Path](), 0
    for pattern in shlex.split(source):
        path = at_home(pattern)
        if path.is_dir():
            folders += 1
            files = set(_walk(path))
            readable = {file for file in files if file_format(file.name)}
            found, others = found | readable, others | files - readable
        elif path.is_file():
            found.add(path)
        else:
            found |= set(map(Path, _matching(path)))
    first: dict[str, Path] = {}
    for path in sorted(path for path in found if path.is_file()):
        first.setdefault(os.path.realpath(path), path)
    root = os.path.commonpath([path.parent for path in first.values()]) if first else ""
    names = {_written(path.relative_to(root)): _place(path) for path in first.values()}
    return names, [_written(path) for path in sorted(others - found)] if folders else None


def by_ending(places: Sequence[str]) -> str:
    """How many files there are of each ending: "3 .pdf, 1 .docx", the most first."""
    endings = Counter(Path(place).suffix.lower() or "without an ending" for place in places)
    return ", ".join(f"{count} {ending}" for ending, count in endings.most_common())


def at_home(pattern: str) -> Path:
    """A path or pattern; ~ stands for a home, where there is one."""
    try:
        return Path(pattern).expanduser()
    except RuntimeError:  # nobody is called so
        return Path(pattern)


def local_path(place: str) -> Path:
    """Where a local file lies, from its place."""
    return Path(os.fsdecode(unquote_to_bytes(place[len(_URI) :]))) if place.startswith(_URI) else Path(place)


def _matching(path: Path) -> list[str]:
    """The files of a pattern. Its first parts may be folders that there are, with brackets in their names."""
    base, parts = Path(path.anchor), list(path.relative_to(path.anchor).parts)
    while parts and (base / parts[0]).exists():
        base /= parts.pop(0)
    pattern = str(Path(glob.escape(str(base)), *parts))
    return glob.glob(pattern, recursive=True, include_hidden=True)  # noqa: PTH207 (Path.glob follows no link)


def _walk(folder: Path) -> Iterator[Path]:
    """The files in and below a folder that are not hidden; behind links too, and a folder of several names once."""
    seen = set[str]()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        folders[:] = [] if real in seen else sorted(name for name in folders if not name.startswith("."))
        files = [] if real in seen else [Path(root, name) for name in names if not name.startswith(".")]
        yield from (file for file in files if file.is_file())
        seen.add(real)


def _place(path: Path) -> str:
    """A path in characters that can be written: as an address where bytes of it are not UTF-8."""
    return str(path) if _written(path) == path.as_posix() else path.absolute().as_uri()


def _written(path: Path) -> str:
    """A path as it is told: "caf%E9.txt" where bytes of it are not UTF-8."""
    try:
        return path.as_posix().encode().decode()
    except UnicodeEncodeError:
        return quote_from_bytes(os.fsencode(path))
