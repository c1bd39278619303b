"""Runs of different seeds become one study; others are refused, and nothing is changed then."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table, sha256, write_json, write_table
from speclm.study.metrics import write_documents_table
from speclm.study.plan import KEY
from speclm.study.record import ORIGIN, RECORD
from speclm.study.seeds import join
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"
SEED = read_json(LAPTOP / RECORD)["settings"]["study"]["seeds"][0]


def with_seed(folder: Path, seed: int) -> Path:
    """The published laptop study as if it had been run with another seed."""
    folder.mkdir()
    for path in LAPTOP.iterdir():
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    for name in ("metrics.tsv", "timings.tsv"):
        write_table(folder / name, read_table(folder / name).assign(seed=seed))
    write_documents_table(folder / "documents.parquet", pd.read_parquet(folder / "documents.parquet").assign(seed=seed))
    record = read_json(folder / RECORD)
    record["settings"]["study"]["seeds"] = record["settings"]["seeds"] = [seed]
    record["sha256"] = {name: sha256(folder / name) for name in record["sha256"]}
    write_json(folder / RECORD, record)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_rows_of_all_seeds_stand_in_one_sorted_table_whatever_the_order(tmp_path: Path) -> None:
    folders = {place: with_seed(tmp_path / place, seed) for place, seed in (("a", SEED), ("b", 3), ("c", 99))}
    other = {place: shutil.copytree(folders[place], tmp_path / f"{place}2") for place in "abc"}
    join(folders["a"], folders["b"])
    join(folders["a"], folders["c"])
    join(Path(other["c"]), Path(other["a"]))
    join(Path(other["c"]), Path(other["b"]))
    for name in ("metrics.tsv", "timings.tsv", "documents.parquet"):
        assert (folders["a"] / name).read_bytes() == (tmp_path / "c2" / name).read_bytes()
    metrics = read_table(folders["a"] / "metrics.tsv")
    assert sorted(metrics["seed"].unique()) == sorted([3, SEED, 99])
    assert metrics[KEY].equals(metrics[KEY].sort_values(KEY, ignore_index=True))
    one = read_table(LAPTOP / "metrics.tsv").drop(columns="seed")
    pd.testing.assert_frame_equal(metrics.loc[metrics["seed"] == 99].drop(columns="seed").reset_index(drop=True), one)


def test_the_record_names_every_part(tmp_path: Path) -> None:
    folder, other = with_seed(tmp_path / "a", 5), with_seed(tmp_path / "b", 4)
    join(folder, other)
    record = read_json(folder / RECORD)
    assert record["settings"]["study"]["seeds"] == record["settings"]["seeds"] == [4, 5]
    assert [part["seeds"] for part in record["joined"]] == [[4], [5]]
    assert all(set(ORIGIN) <= set(part) for part in record["joined"])
    assert record["sha256"] == {name: sha256(folder / name) for name in record["sha256"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: None, rf"b: seeds: has seed {SEED}, which .*a has already"),
        (lambda record: record["settings"]["pretrain"].update(clip=1.0), r"is another study: pretrain\.clip is 1\.0"),
        (lambda record: record["sha256"].update({"histograms.tsv": "0"}), r"histograms\.tsv differs"),
    ],
    ids=["same seed", "other settings", "other text"],
)
def test_strangers_are_refused(tmp_path: Path, change, said: str) -> None:
    folder = with_seed(tmp_path / "a", SEED)
    other = with_seed(tmp_path / "b", SEED if "has seed" in said else 4)
    record = read_json(other / RECORD)
    change(record)
    write_json(other / RECORD, record)
    before = contents(folder)
    with pytest.raises(UserError, match=said):
        join(folder, other)
    assert contents(folder) == before
