"""A corpus of three shards through the workflow: files that are read together, up to a thousand of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from e2e.conftest import Clone
from speclm.data.windows import open_windows
from speclm.stage.files import read_json, read_table

FILES = 2_200
CHANGE = {"documents": {"generic": "mine", "strict": True}, "domains": ["networkx"]}
HISTOGRAMS = "results/smoke/clusters/histograms.tsv"


@pytest.fixture
def clone(new_clone: Callable[[], Clone]) -> Clone:
    """With a data set of small files, of which the last is not text."""
    clone = new_clone()
    generator = np.random.default_rng(0)
    words = ["".join(generator.choice(list("aeioulmnrst"), size=6)) for _ in range(400)]
    (clone.folder / "data/mine").mkdir(parents=True)
    for number in range(FILES):
        (clone.folder / f"data/mine/{number:05d}.txt").write_text(" ".join(generator.choice(words, size=60)))
    (clone.folder / f"data/mine/{FILES - 1:05d}.txt").write_bytes(b"\xff\xfe\x00\xd8")
    with (clone.folder / "config/datasets.tsv").open("a") as table:
        table.write("mine\tfiles\tdata/mine\t-\ttext\t-\tCC0\tmade up\t-\n")
    return clone


def made(folder: Path, pattern: str) -> dict[str, tuple[int, bytes]]:
    """Time and bytes of the files that there are."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.glob(pattern))}


def test_shards_are_made_by_themselves_and_those_finished_are_kept(clone: Clone) -> None:
    ended = clone.snakemake("--keep-going", HISTOGRAMS, check=False, change=CHANGE)
    assert ended.returncode and f"{FILES - 1:05d}.txt" in ended.stdout + ended.stderr
    train = clone.results / "splits/generic/train"
    first = made(train, "*.zst")
    assert list(first) == ["00000.jsonl.zst", "00001.jsonl.zst"]  # all that does not wait for the third

    (clone.folder / f"data/mine/{FILES - 1:05d}.txt").write_text("a text that is long enough to count " * 9)
    clone.snakemake(HISTOGRAMS, change=CHANGE)
    assert {name: made(train, "*.zst")[name] for name in first} == first
    stores = sorted((clone.results / "tokens/generic/train").glob("*.bin"))
    windows = open_windows(stores)
    assert len(stores) == 3 and windows.count > 1000
    counted = read_table(clone.folder / HISTOGRAMS).query("corpus == 'generic'").groupby("k")["windows"].sum()
    assert counted.to_dict() == dict.fromkeys((4, 8, 16), windows.count)

    clone.snakemake("results/smoke/splits/report.json", "results/smoke/splits/checked.json", change=CHANGE)
    documents = read_json(clone.results / "splits/report.json")["splits"]["generic/train"]["documents"]
    assert documents == sum(len(open_windows(store).documents) - 1 for store in stores) == FILES - 60  # held out
