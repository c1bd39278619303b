"""What folders and patterns stand for, whatever the names in them are like."""

import os
from pathlib import Path

import pytest

from speclm.data.local import by_ending, find_files, local_path


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def found(folder: Path, source: str) -> list[str]:
    """Names of the files of a source; that their places lead to them is checked."""
    files, _ = find_files(source.replace("@", str(folder)))
    assert all(local_path(place).is_file() for place in files.values())
    return list(files)


def test_endings_in_capitals_and_other_formats(tmp_path: Path) -> None:
    write(
        tmp_path,
        "README.MD",
        "SCAN.TXT",
        "a.markdown",
        "b.rst",
        "c.tsv",
        "d.ndjson",
        "e.html",
        "f.pdf",
        "g.PDF",
        "LICENSE",
    )
    files, others = find_files(str(tmp_path))
    assert list(files) == ["README.MD", "SCAN.TXT", "a.markdown", "b.rst", "c.tsv", "d.ndjson", "e.html"]
    assert others == [f"{tmp_path}/{name}" for name in ("LICENSE", "f.pdf", "g.PDF")]
    assert by_ending(others) == "2 .pdf, 1 without an ending"
    assert find_files(f"{tmp_path}/*.txt") == ({}, None)


def test_links_are_followed_and_every_file_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "docs/a.txt", "docs/deep/b.txt", "elsewhere/c.txt", "elsewhere/d.png")
    (tmp_path / "docs/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "docs/circle").symlink_to(tmp_path / "docs")
    (tmp_path / "docs/also.txt").symlink_to(tmp_path / "docs/a.txt")
    (tmp_path / "docs/gone.txt").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path, "@/docs") == ["a.txt", "deep/b.txt", "linked/c.txt"]
    assert find_files(f"{tmp_path}/docs")[1] == [f"{tmp_path}/docs/linked/d.png"]
    assert {Path(name).name for name in found(tmp_path, "'@/docs/**/*.txt'")} >= {"a.txt", "b.txt", "c.txt"}
    assert len(found(tmp_path, "'@/docs/**/*.txt'")) == 3


@pytest.mark.parametrize("name", ["data [v2].jsonl", "what?.txt", "a*.txt", "[x]/b.txt"])
def test_a_path_that_is_there_is_no_pattern(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "v/b.txt")
    assert found(tmp_path, f"'@/{name}'") == [Path(name).name]
    assert found(tmp_path, "'@/[v]/*.txt'") == ["b.txt"]


def test_a_pattern_within_a_folder_with_brackets(tmp_path: Path) -> None:
    write(tmp_path, "[x] notes/a.txt", "x notes/b.txt")
    assert found(tmp_path, "'@/[x] notes/*.txt'") == ["a.txt"]


def test_a_name_that_is_not_utf8_is_read_and_told(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 1.txt"))
    path.write_text("text")
    files, _ = find_files(str(tmp_path))
    assert list(files) == ["caf%E9%201.txt"] and files["caf%E9%201.txt"].startswith("file:///")
    assert local_path(files["caf%E9%201.txt"]).read_text() == "text"
    assert all(place.isascii() for place in files.values())


def test_nobody_s_home_is_a_path_like_others() -> None:
    assert find_files("~no-such-user/docs") == ({}, None)
