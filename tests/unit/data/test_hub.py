"""The loading code itself, against a hub on the loopback address."""

import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard

from speclm.data.sources import Source, collect_documents
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, read_json, write_json
from unit.data.loopback import Fault, Hub, serve

ROOT = Path(__file__).parents[3]
C4 = {
    f"en/c4-train.{shard:05d}-of-00003.json.gz": gzip.compress(
        "".join(
            json.dumps({"text": f"page {shard} {i}", "timestamp": "2019-04-25T12:57:54Z", "url": f"https://x/{i}"})
            + "\n"
            for i in range(3)
        ).encode()
    )
    for shard in range(3)
}
PILE = "".join(
    json.dumps({"text": f"text {i}", "meta": {"pile_set_name": name}}) + "\n"
    for i, name in enumerate(["ArXiv", "Wikipedia (en)", "ArXiv", "Gutenberg (PG-19)"])
)
OLD, NEW = "a" * 40, "b" * 40


def parquet(texts: list[str]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame({"text": texts, "n": range(len(texts))}).to_parquet(buffer, row_group_size=2)
    return buffer.getvalue()


REPOSITORIES = {
    "allenai/c4": {OLD: C4},
    "monology/pile": {OLD: {"train/00.jsonl.zst": zstandard.compress(PILE.encode())}},
    "owner/web": {OLD: {"plain text/train-0.parquet": parquet([f"web {i}" for i in range(5)])}},
    "owner/noise": {OLD: {"a.txt": os.urandom(4_000_000).hex().encode()}},  # two ranges
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that the libraries of this process take for theirs, and no mirror."""
    import datasets
    import huggingface_hub

    with serve({name: dict(revisions) for name, revisions in REPOSITORIES.items()}) as running:
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", running.endpoint)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield running


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept, without sleeping."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def source(place: str, revision: str = OLD, field: str = "text", where: str = "-") -> Source:
    return Source("hub", place, {place.split("/", 2)[2]: place}, revision, field, where, 1, True)


def collect(chosen: Source, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    facts = collect_documents(chosen, folder / "d.jsonl.zst", folder / "d.json")
    return list(read_documents(folder / "d.jsonl.zst")), facts


def test_a_shard_of_c4(hub: Hub, tmp_path: Path) -> None:
    name = "en/c4-train.00001-of-00003.json.gz"
    documents, facts = collect(source(f"allenai/c4/{name}"), tmp_path)
    assert documents == [{"id": f"{name}:{i + 1}", "text": f"page 1 {i}", "origin": name} for i in range(3)]
    assert facts["files"] == [{"name": name, "bytes": len(C4[name]), "sha256": facts["files"][0]["sha256"]}]
    assert hub.asked(f"resolve/{OLD}/{name}") and not hub.asked("00000-of")
    assert len(hub.asked(f"tree/{OLD}/en")) == 2  # the listing has two pages
    assert all(OLD in request for request in hub.log)  # nothing is asked of another revision


def test_a_subset_of_the_pile(hub: Hub, tmp_path: Path) -> None:
    chosen = source("monology/pile/train/00.jsonl.zst", where="meta.pile_set_name=ArXiv")
    documents, facts = collect(chosen, tmp_path)
    assert [document["text"] for document in documents] == ["text 0", "text 2"]
    assert facts["left_out"] == {"elsewhere": 2, "too_short": 0, "without_text": 0, "rows": 0, "files": 0}
    with pytest.raises(UserError, match=r"no row with meta.pile_set_name=arxiv(.|\n)*4 elsewhere(.|\n)*correct"):
        collect(source("monology/pile/train/00.jsonl.zst", where="meta.pile_set_name=arxiv"), tmp_path)


def test_a_parquet_file(hub: Hub, tmp_path: Path) -> None:
    documents, _ = collect(source("owner/web/plain text/train-0.parquet"), tmp_path)
    assert [document["text"] for document in documents] == [f"web {i}" for i in range(5)]


def test_a_large_file_is_read_by_ranges_and_a_dropped_one_asked_for_again(
    hub: Hub, naps: list[float], tmp_path: Path
) -> None:
    hub.faults = [Fault(r"^/storage/.*a\.txt", 0, times=2)]
    documents, facts = collect(source("owner/noise/a.txt"), tmp_path)
    content = REPOSITORIES["owner/noise"][OLD]["a.txt"]
    assert documents[0]["text"] == content.decode()
    assert facts["files"][0]["bytes"] == len(content)
    ranges = [request.rsplit(" ", 1)[1] for request in hub.asked("/storage/")]
    assert len(ranges) == 2 + len(set(ranges)) == 4  # two halves in vain
    assert naps == [1, 2]


@pytest.mark.parametrize("path", ["^/api/.*revision", "^/api/.*tree", "/resolve/", "/storage/"])
@pytest.mark.parametrize(
    ("status", "headers", "waits"), [(503, {}, {1}), (500, {}, {1}), (429, {"Retry-After": "7"}, {7, 8})]
)
def test_what_passes_is_waited_out(
    hub: Hub, naps: list[float], tmp_path: Path, path: str, status: int, headers: dict[str, str], waits: set[int]
) -> None:
    hub.faults = [Fault(path, status, headers=headers)]
    documents, _ = collect(source("monology/pile/train/00.jsonl.zst"), tmp_path)
    assert len(documents) == 4
    assert len(naps) == 1 and set(naps) <= waits


@pytest.mark.parametrize("path", ["^/api/.*revision", "^/api/.*tree", "/resolve/", "/storage/"])
def test_a_connection_that_drops_is_made_again(hub: Hub, naps: list[float], tmp_path: Path, path: str) -> None:
    hub.faults = [Fault(path, 0, times=2)]
    documents, _ = collect(source("monology/pile/train/00.jsonl.zst"), tmp_path)
    assert len(documents) == 4
    assert hub.faults[0].times == 0


@pytest.mark.parametrize("path", ["^/api/.*revision", "/resolve/"])
def test_a_hub_that_stays_away_is_given_up_after_two_minutes(
    hub: Hub, naps: list[float], tmp_path: Path, path: str
) -> None:
    hub.faults = [Fault(path, 503, times=1000)]
    with pytest.raises(UserError, match=r"train/00.jsonl.zst: the hub does not answer \(.*503(.|\n)*shards are kept"):
        collect(source("monology/pile/train/00.jsonl.zst"), tmp_path)
    assert 120 < sum(naps) < 600
    assert [nap for nap in naps if nap in (16, 32, 64)] == [16, 32, 64]
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


@pytest.mark.parametrize(
    ("place", "revision", "message"),
    [
        ("monology/pile/train/00.jsonl.zst", NEW, f"revision: monology/pile has no revision {NEW}"),
        ("monology/pile/train/07.jsonl.zst", OLD, "source: there is no such file in revision aaaaaaaaaaaa"),
        ("monology/pile/deep/07.jsonl.zst", OLD, "source: there is no such file in revision aaaaaaaaaaaa"),
        ("monology/pyle/train/00.jsonl.zst", OLD, "source: the hub has no data set monology/pyle"),
    ],
)
def test_what_is_not_there_is_refused_at_once(
    hub: Hub, naps: list[float], tmp_path: Path, place: str, revision: str, message: str
) -> None:
    with pytest.raises(UserError, match=rf"{place}: {message}(.|\n)*Remedy: .*config/datasets.tsv"):
        collect(source(place, revision), tmp_path)
    assert naps == []


def test_a_revision_that_vanishes_while_it_is_read(hub: Hub, naps: list[float], tmp_path: Path) -> None:
    hub.faults = [Fault("/resolve/", 404, times=9, headers={"X-Error-Code": "RevisionNotFound"})]
    with pytest.raises(UserError, match=r"has no revision a+ \(any more\)"):
        collect(source("monology/pile/train/00.jsonl.zst"), tmp_path)


def test_other_bytes_than_the_hub_states_are_refused(hub: Hub, naps: list[float], tmp_path: Path) -> None:
    """As a proxy or a mirror would give that was not told of a change."""
    changed = zstandard.compress(PILE.replace("text 0", "text X").encode())
    stated = hub.repositories["monology/pile"][OLD]["train/00.jsonl.zst"]
    assert len(changed) == len(stated)

    class Changing(dict[str, bytes]):
        listed = 0

        def __getitem__(self, name: str) -> bytes:
            self.listed += 1  # first for the listing: its size and its checksum
            return stated if self.listed <= 2 else changed

    hub.repositories["monology/pile"] = {OLD: Changing({"train/00.jsonl.zst": stated})}
    with pytest.raises(UserError, match=r"train/00.jsonl.zst: has the SHA-256 \w{12}…, but \w{12}… is stated"):
        collect(source("monology/pile/train/00.jsonl.zst"), tmp_path)
    assert not [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_mirror_is_read_without_the_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    name = "en/c4-train.00000-of-00003.json.gz"
    huggingface_hub.hf_hub_download(
        "allenai/c4", name, repo_type="dataset", revision=OLD, endpoint=hub.endpoint, cache_dir=tmp_path / "cache"
    )
    before = len(hub.log)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    documents, facts = collect(source(f"allenai/c4/{name}"), tmp_path)
    assert len(documents) == 3
    assert facts["files"][0]["bytes"] == len(C4[name])
    other = name.replace("00000-of", "00001-of")
    with pytest.raises(UserError, match=rf"not in the local mirror(.|\n)*hf download allenai/c4 {other} .*{OLD}"):
        collect(source(f"allenai/c4/{other}"), tmp_path)
    assert len(hub.log) == before
    blob = next((tmp_path / "cache").rglob("blobs/*"))
    blob.write_bytes(gzip.compress(b'{"text": "edited"}\n'))
    with pytest.raises(UserError, match=r"has the SHA-256 \w+…, but \w+… is stated(.|\n)*remove it from the mirror"):
        collect(source(f"allenai/c4/{name}"), tmp_path)


def test_the_stage_reads_its_endpoint_from_the_environment(tmp_path: Path) -> None:
    """As a process of its own, with nothing changed in the libraries."""
    name = "en/c4-train.00002-of-00003.json.gz"
    job = {
        "name": "collect_documents",
        "settings": {**vars(source(f"allenai/c4/{name}"))},
        "inputs": {},
        "outputs": {"documents": str(tmp_path / "d.jsonl.zst"), "manifest": str(tmp_path / "d.json")},
        "wildcards": {"dataset": "c4", "shard": "00002"},
        "log": str(tmp_path / "log"),
        "revision": 1,
    }
    write_json(tmp_path / "job.json", job)
    with serve({"allenai/c4": {OLD: C4}}) as running:
        ended = subprocess.run(
            [sys.executable, "-m", "speclm", "collect_documents", str(tmp_path / "job.json")],
            env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "HF_ENDPOINT": running.endpoint}
            | {"HF_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        assert all("telemetry" not in request for request in running.log)
    assert read_json(tmp_path / "d.json")["documents"] == 3
