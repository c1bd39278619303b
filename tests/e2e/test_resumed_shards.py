"""The workflow reads a data set of the hub shard by shard, and goes on at the shard where it stopped."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import Clone
from unit.data.loopback import serve

REVISION = "a" * 40
SHARDS = {
    f"en/{shard}.json.gz": gzip.compress(
        "".join(json.dumps({"text": f"page {shard} {i} " * 30}) + "\n" for i in range(3)).encode()
    )
    for shard in range(3)
}


def test_only_the_shard_that_is_missing_is_read_again(
    new_clone: Callable[[], Clone], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clone = new_clone()
    row = f"web\thub\to/web/en/{{0..2}}.json.gz\t{REVISION}\ttext\t-\tCC0\tmade by a test\thalf of it\n"
    for table, line in (("datasets", row), ("domains", "web\tweb\tweb\n")):
        with (clone.folder / f"config/{table}.tsv").open("a") as file:
            file.write(line)
    change = {"domains": ["web"], "run": "web"}
    folder = clone.folder / "results/web/documents/web"
    targets = [f"results/web/documents/web/{shard:05d}.jsonl.zst" for shard in range(3)]
    with serve({"o/web": {REVISION: {name: SHARDS[name] for name in ("en/0.json.gz", "en/2.json.gz")}}}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        ended = clone.snakemake(*targets, "--keep-going", change=change, check=False)
        assert ended.returncode != 0
        assert "o/web/en/1.json.gz: source: there is no such file in revision aaaaaaaaaaaa" in ended.stderr
        assert "Remedy: " in ended.stderr
        finished = sorted(file.name for file in folder.glob("*"))
        assert finished == ["00000.json", "00000.jsonl.zst", "00002.json", "00002.jsonl.zst"]
        hub.repositories["o/web"][REVISION]["en/1.json.gz"] = SHARDS["en/1.json.gz"]
        hub.log.clear()
        clone.snakemake(*targets, change=change)
        assert (folder / "00001.jsonl.zst").exists()
        assert {request.split()[1].rsplit("/", 1)[1] for request in hub.asked("/storage/")} == {"1.json.gz"}
