"""Data sets, and the shards that each is read in: one job and one output file for each.

In goes a row of config/datasets.tsv; out come its shards, named by their number, each a mapping of names to places:

    kind hub, source allenai/c4/en/c4-train.{00000..01023}-of-01024.json.gz
    ->  00000  {"en/c4-train.00000-of-01024.json.gz": "allenai/c4/en/c4-train.00000-of-01024.json.gz"}, 00001 {…}, …

Nothing is read, and nothing asked over the network: the files of a hub source are written out, so a plan knows every
job. The paper takes C4 and nine subsets of the Pile.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING

from speclm.data.docstrings import package_name
from speclm.data.formats import FORMATS, unpacked_name
from speclm.data.hub import COMMIT
from speclm.data.local import by_ending, find_files, local_path
from speclm.stage.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Files = dict[str, str]  # name -> place
TABLE = "config/datasets.tsv"
NONE = "-"
_ASKED = {"licence": 'say what the text may be used for, or "unknown"', "origin": "say where the text comes from"}
_SHARD_BYTES = 1 << 28  # small files are read together up to this size
_SHARD_FILES = 1000
_NEARLY_EMPTY = 1 / 8  # of these


@dataclass(frozen=True)
class DataSet:
    """A row of config/datasets.tsv.

    Attributes:
        kind: installed_docs, files or hub.
        source: packages; files, folders and patterns; or owner/name/path with ranges {00000..01023} and lists {a,b}.
        revision: the commit of a hub source.
        field: where the text is, "a.b" for b within a. where: "field=value" that a document has to have.
        licence, origin: what the text may be used for, and where it comes from.
        deviation: how it departs from the paper's.
    """

    dataset: str
    kind: str
    source: str
    revision: str
    field: str
    where: str
    licence: str
    origin: str
    deviation: str

    def __post_init__(self) -> None:
        for column in fields(self):
            value = getattr(self, column.name)
            if not isinstance(value, str) or not value.strip():
                raise self._refuse(column.name, "is empty", _ASKED.get(column.name, f'fill it, with "{NONE}" for none'))
        if self.kind not in ("installed_docs", "files", "hub"):
            raise self._refuse("kind", f'unknown kind "{self.kind}"', "one of installed_docs, files, hub")
        if self.kind == "hub" and not COMMIT.fullmatch(self.revision):
            raise self._refuse(
                "revision",
                f'"{self.revision}" may change from one shard to the next',
                "write the commit, 40 hexadecimal digits (the repository's page shows it under Files, History)",
            )
        if self.kind != "installed_docs" and self.field == NONE:
            raise self._refuse("field", "does not say where the text is", 'name it, "text" for plain text files')
        if self.where != NONE and "=" not in self.where:
            raise self._refuse("where", f'"{self.where}" is no condition', "write field=value")

    @property
    def departs(self) -> bool:
        """Whether its text is other than the paper's for the same purpose."""
        return self.deviation != NONE

    def reading(self) -> dict[str, str]:
        """What the reading of a shard depends on: a licence that is corrected makes nothing be read again."""
        return {key: getattr(self, key) for key in ("kind", "source", "revision", "field", "where")}

    def _refuse(self, column: str, message: str, remedy: str) -> UserError:
        return UserError(f"{column}: {message}", where=TABLE, key=self.dataset, remedy=remedy)


def read_datasets(table: pd.DataFrame, names: Iterable[str]) -> dict[str, DataSet]:
    """The data sets of these names, from the table.

    Raises:
        UserError: the table lacks a column, or a row has a value that cannot be.
    """
    names = list(dict.fromkeys(names))
    columns = [column.name for column in fields(DataSet)]
    missing = [column for column in columns if column not in table]
    if missing:
        raise UserError(f"has no column {missing[0]}", where=TABLE, remedy=f"its columns are {', '.join(columns)}")
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            remedy = "take letters, digits, dots, _ and -"
            raise UserError("cannot be the name of a folder", where=TABLE, key=name, remedy=remedy)
    rows = table.set_index("dataset", drop=False)[columns]
    return {name: DataSet(**rows.loc[name]) for name in names}


def list_shards(dataset: DataSet) -> list[Files]:
    """The shards of a data set, in order; none when it has no file yet.

    A file of the hub is a shard; local files, sorted by name, are put together up to 256 MB or 1,000 of them,
    and what is less than an eighth of that joins its neighbour.

    Raises:
        UserError: a name that is not of one file; a shard that is there twice, plain and compressed; no readable file.
    """
    match dataset.kind:
        case "installed_docs":
            return [_packages(dataset)]
        case "hub":
            return [dict([file]) for file in _hub_files(dataset).items()]
    files = _local_files(dataset)
    shards, size = list[Files](), 0
    for name, place in files.items():
        length = local_path(place).stat().st_size
        if not shards or size + length > _SHARD_BYTES or len(shards[-1]) == _SHARD_FILES:
            shards, size = [*shards, {}], 0
        shards[-1][name] = place
        size += length
    return _fold(shards)


def expand_braces(pattern: str) -> list[str]:
    """The names that a pattern with ranges and lists stands for.

    "a{08..10}{x,y}" -> a08x a08y a09x a09y a10x a10y
    """
    literals = re.split(r"\{[^{}]*\}", pattern)
    choices = []
    for braces in re.findall(r"\{([^{}]*)\}", pattern):
        ends = re.fullmatch(r"(\d+)\.\.(\d+)", braces)
        if ends:
            first, last = ends.groups()
            choices.append([f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)])
        else:
            choices.append(braces.split(","))
    return [
        literals[0] + "".join(part for pair in zip(chosen, literals[1:], strict=True) for part in pair)
        for chosen in product(*choices)
    ]


def _packages(dataset: DataSet) -> Files:
    packages = dataset.source.split()
    repeated = [name for name, count in Counter(map(package_name, packages)).items() if count > 1]
    if repeated:
        raise UserError(f"{repeated[0]} is named twice", where=TABLE, key=dataset.dataset, remedy="name it once")
    return {package: package for package in sorted(packages)}


def _hub_files(dataset: DataSet) -> Files:
    places = [place for pattern in dataset.source.split() for place in expand_braces(pattern)]
    for place in places:
        if place.count("/") < 2 or "*" in place:
            raise UserError(
                f'"{place}" is not owner/name/path of one file',
                where=TABLE,
                key=dataset.dataset,
                remedy="write all names, for example allenai/c4/en/c4-train.{00000..01023}-of-01024.json.gz",
            )
    repositories = {"/".join(place.split("/", 2)[:2]) for place in places}
    names = [place if len(repositories) > 1 else place.split("/", 2)[2] for place in places]
    return _by_name(list(zip(names, places, strict=True)), dataset)


def _fold(shards: Sequence[Files]) -> list[Files]:
    """Shards of which those that are nearly empty have joined a neighbour: a last file may be too short for one."""
    folded = list[Files]()
    for shard in shards:
        if folded and min(map(_fullness, (folded[-1], shard))) < _NEARLY_EMPTY:
            folded[-1] = folded[-1] | shard
        else:
            folded.append(shard)
    return folded


def _fullness(shard: Files) -> float:
    size = sum(local_path(place).stat().st_size for place in shard.values())
    return max(size / _SHARD_BYTES, len(shard) / _SHARD_FILES)


def _local_files(dataset: DataSet) -> Files:
    found, others = find_files(dataset.source)
    if not found and others is not None:
        there = f", but {by_ending(others)}" if others else ""
        remedy = f"put files there that end in {', '.join(FORMATS)}"
        raise UserError(f"holds no file that can be read{there}", where=dataset.source, remedy=remedy)
    return _by_name(list(found.items()), dataset)


def _by_name(files: list[tuple[str, str]], dataset: DataSet) -> Files:
    """Files by name, after a look for one that is there twice."""
    first: dict[str, str] = {}
    for name, place in files:
        if unpacked_name(name) in first:
            raise UserError(
                f"{first[unpacked_name(name)]} and {place} are the same shard twice",
                where=TABLE,
                key=dataset.dataset,
                remedy="keep one of them: its documents would count double",
            )
        first[unpacked_name(name)] = place
    return dict(files)
