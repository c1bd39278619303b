"""Rows of datasets.tsv, and the shards they stand for."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.data import shards
from speclm.data.shards import DataSet, expand_braces, list_shards, read_datasets
from speclm.stage.errors import UserError
from speclm.stage.files import read_table

ROOT = Path(__file__).parents[3]
MINE = DataSet("mine", "files", "texts", "-", "text", "-", "CC0", "my desk", "-")
HUB = replace(MINE, kind="hub", source="allenai/c4/en/c4-train.{00000..01023}-of-01024.json.gz", revision="a" * 40)


def write(folder: Path, *names: str, size: int = 3) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x" * size)


def names(folder: Path, source: str) -> list[list[str]]:
    return [list(shard) for shard in list_shards(replace(MINE, source=source.replace("@", str(folder))))]


def test_every_row_of_the_table_can_be_read() -> None:
    table = read_table(ROOT / "config/datasets.tsv")
    found = read_datasets(table, table["dataset"])
    assert len(found) == len(table)
    assert {row.dataset: len(list_shards(row)) for row in found.values() if row.kind == "hub"}.items() >= {
        ("c4", 1024),
        ("c4_sample", 16),
        ("pile_gutenberg", 30),
        ("pile_arxiv_sample", 2),
    }
    assert all(row.deviation != "-" for row in found.values() if row.dataset.startswith(("pile", "c4_")))
    assert all(row.deviation == "-" for row in found.values() if row.kind == "installed_docs")


def test_a_file_of_the_hub_is_a_shard() -> None:
    found = list_shards(HUB)
    assert len(found) == 1024
    assert found[7] == {"en/c4-train.00007-of-01024.json.gz": "allenai/c4/en/c4-train.00007-of-01024.json.gz"}


def test_braces() -> None:
    assert expand_braces("a{08..10}{x,y}") == ["a08x", "a08y", "a09x", "a09y", "a10x", "a10y"]
    assert expand_braces("{val,test}.jsonl") == ["val.jsonl", "test.jsonl"]
    assert expand_braces("plain") == ["plain"]


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 5))
def test_a_range_has_all_its_numbers_in_order(first: int, count: int, digits: int) -> None:
    found = expand_braces(f"x{{{first:0{digits}d}..{first + count}}}")
    assert [int(name[1:]) for name in found] == list(range(first, first + count + 1))
    assert all(len(name) > digits for name in found)


def test_files_folders_and_patterns(tmp_path: Path) -> None:
    write(
        tmp_path, "a/2.txt", "a/1.md", "a/deep/3.jsonl.gz", "a/.hidden/4.txt", "a/photo.png", "b/1.csv", "b/my own.txt"
    )
    assert names(tmp_path, "@/a") == [["1.md", "2.txt", "deep/3.jsonl.gz"]]
    assert names(tmp_path, "@/a/2.txt") == [["2.txt"]]
    assert names(tmp_path, "@/*/*.csv @/a/*.txt @/a/2.txt") == [["a/2.txt", "b/1.csv"]]
    assert names(tmp_path, "'@/b/my own.txt'") == [["my own.txt"]]
    assert names(tmp_path, "@/nothing/*.txt") == []


def test_small_files_are_read_together_large_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_SHARD_BYTES", 10)
    write(tmp_path, "a.txt", "b.txt", "c.txt", "d.txt")
    write(tmp_path, "e.txt", size=50)
    assert names(tmp_path, "@") == [["a.txt", "b.txt", "c.txt"], ["d.txt"], ["e.txt"]]
    monkeypatch.setattr(shards, "_SHARD_FILES", 2)
    assert [len(shard) for shard in names(tmp_path, "@")] == [2, 2, 1]


def test_what_is_too_little_for_a_shard_joins_its_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_SHARD_BYTES", 100)
    write(tmp_path, "a.txt", "z.txt", size=3)
    write(tmp_path, "b.txt", "c.txt", "d.txt", size=98)
    assert names(tmp_path, "@") == [["a.txt", "b.txt"], ["c.txt"], ["d.txt", "z.txt"]]


def test_a_shard_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "x/a.jsonl", "y/a.jsonl")
    assert names(tmp_path, "@") == [["x/a.jsonl", "y/a.jsonl"]]  # two shards: their names have folders
    write(tmp_path, "x/a.jsonl.gz")
    with pytest.raises(
        UserError, match=r"mine: .*x/a.jsonl and .*x/a.jsonl.gz are the same shard twice\nRemedy: keep one"
    ):
        names(tmp_path, "@")
    with pytest.raises(UserError, match=r"are the same shard twice"):
        list_shards(replace(HUB, source="o/n/{1..3}.txt o/n/2.txt"))
    two = list_shards(replace(HUB, source="o/n/1.txt p/m/1.txt"))  # of two repositories
    assert two == [{"o/n/1.txt": "o/n/1.txt"}, {"p/m/1.txt": "p/m/1.txt"}]


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "photo.png")
    with pytest.raises(UserError, match=r"read, but 1 .png\nRemedy: put files there that end in .jsonl"):
        names(tmp_path, "@")
    (tmp_path / "photo.png").unlink()
    with pytest.raises(UserError, match=r"holds no file that can be read\nRemedy: "):
        names(tmp_path, "@")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "hubb"}, 'kind: unknown kind "hubb"\nRemedy: one of installed_docs, files, hub'),
        ({"licence": ""}, 'licence: is empty\nRemedy: say what the text may be used for, or "unknown"'),
        ({"origin": float("nan")}, "origin: is empty\nRemedy: say where the text comes from"),
        ({"field": "-"}, "field: does not say where the text is"),
        ({"where": "meta.set"}, 'where: "meta.set" is no condition\nRemedy: write field=value'),
        ({"kind": "hub", "revision": "main"}, r'revision: "main" may change from one shard to the next'),
    ],
)
def test_a_bad_row_is_refused(change: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=f"config/datasets.tsv: mine: {message}"):
        replace(MINE, **change)


@pytest.mark.parametrize("source", ["allenai/c4", "allenai/c4/en/*.json.gz"])
def test_a_hub_source_names_files(source: str) -> None:
    with pytest.raises(UserError, match=r"is not owner/name/path of one file(.|\n)*write all names"):
        list_shards(replace(HUB, source=source))


def test_packages_are_one_shard() -> None:
    docs = replace(MINE, kind="installed_docs", source="b a")
    assert [list(shard) for shard in list_shards(docs)] == [["a", "b"]]
    with pytest.raises(UserError, match="a is named twice"):
        list_shards(replace(docs, source="a a==1"))


def test_a_table_without_a_column_is_refused() -> None:
    with pytest.raises(UserError, match="has no column revision"):
        read_datasets(pd.DataFrame({"dataset": ["a"], "kind": ["files"], "source": ["x"]}), ["a"])


def test_nothing_is_asked_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_ENDPOINT", "http://127.0.0.1:9")
    assert len(list_shards(HUB)) == 1024
