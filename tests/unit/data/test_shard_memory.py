"""Memory of what is done for every shard: by the document, not by its text, and not by how many shards there are.

Blocks are made small here, so that small texts fill several; what NumPy and Python hold is counted, what is mapped from
disk is not.
"""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speclm.cluster import embed, kmeans, lsi, passage
from speclm.data import pool, windows
from speclm.data.separation import check_separation, hash_split
from speclm.data.splits import SplitSettings, split_corpora, split_shard
from speclm.data.tokenizer import Tokenizer
from speclm.stage.files import write_array, write_documents

SETTINGS = SplitSettings(
    heldout_documents=2, valid_documents=1, test_documents=2, similarity=0.8, permutations=32, passage_words=8
)
PER_DOCUMENT = 1_400  # bytes, of documents of 3,000 characters


def peak(call: Callable[[], object]) -> int:
    """Bytes at most."""
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_TRACED_TOGETHER", 1 << 14)
    monkeypatch.setattr(windows, "_ENCODED_TOGETHER", 1 << 14)
    monkeypatch.setattr(passage, "_DECODED_TOGETHER", 32)
    monkeypatch.setattr(passage, "_PLACED_TOGETHER", 256)
    monkeypatch.setattr(kmeans, "_ASSIGNED_TOGETHER", 256)


def write_shard(path: Path, documents: int, words: int) -> Path:
    topics = ("tree", "query", "node", "table", "edge", "join", "path", "column")
    lines = (" ".join(f"{topics[(i * j) % 8]}{path.stem}{i}x{j}" for j in range(words)) for i in range(documents))
    write_documents(path, ({"id": str(i), "text": line, "origin": "o"} for i, line in enumerate(lines)))
    return path


def make_store(folder: Path, shard: Path, tokenizer: Tokenizer) -> dict[str, int]:
    """All that is done with one shard; the most that each stage held."""
    train, store = folder / shard.name, folder / f"{shard.stem}.bin"
    vectors, clusters = folder / f"{shard.stem}.npy", folder / f"{shard.stem}.clusters.npy"
    stages = {
        "split": lambda: split_shard(shard, 1, folder / "placed", SETTINGS, 1, train, folder / "scratch"),
        "encode": lambda: windows.encode_split(train, tokenizer, 32, 1, store),
        "embed": lambda: embed.embed_windows(
            folder / "embedder", windows.open_windows(store), 256, (), tokenizer, "cpu", vectors
        ),
        "assign": lambda: kmeans.assign_clusters(vectors, folder / "centroids.npy", clusters),
    }
    return {stage: peak(call) for stage, call in stages.items()}


def test_a_document_more_takes_less_than_half_its_text(
    tmp_path: Path, tokenizer: Tokenizer, small_blocks: None
) -> None:
    first, a = (write_shard(tmp_path / f"{name}.zst", 30, 100) for name in ("first", "a"))
    split_corpora(first, [("a", [a])], SETTINGS, 1, tmp_path, tmp_path / "scratch")
    windows.encode_split(tmp_path / "a/train.jsonl.zst", tokenizer, 32, 1, tmp_path / "a.bin")
    opened = windows.open_windows(tmp_path / "a.bin")
    embed.fit_embedder(lsi.LsiSettings(4, 50, 1000), opened, 256, tokenizer, 1, tmp_path / "embedder")
    write_array(tmp_path / "centroids.npy", np.eye(4, dtype=np.float32))
    small, large = (write_shard(tmp_path / f"s{n}.zst", count, 300) for n, count in enumerate((30, 120)))
    make_store(tmp_path, small, tokenizer)  # what is loaded or cached at first use is not a shard's
    less, more = (make_store(tmp_path, shard, tokenizer) for shard in (small, large))
    for stage in less:
        assert more[stage] - less[stage] < 90 * PER_DOCUMENT, (stage, less, more)


def test_more_shards_take_no_more_memory(tmp_path: Path) -> None:
    """The check of all splits takes the largest of them; k-means' sample its own size and a number for each passage."""
    names = [f"generic/train/{shard:05d}" for shard in range(8)]
    documents, window_hashes, vectors = {}, {}, {}
    for shard, name in enumerate([*names, "tax/test"]):
        folder = tmp_path / str(shard)
        documents[name], window_hashes[name], vectors[name] = folder / "d.npy", folder / "w.npy", folder / "v.npy"
        tokens = np.arange(20_000) + 20_000 * shard
        windows.write_store([(tokens, 1, 1)], 8, 1 << 20, "t", folder / "t.bin")
        hash_split(
            write_shard(folder / "d.zst", 20, 40 + shard), folder / "t.bin", documents[name], window_hashes[name]
        )
        write_array(vectors[name], np.random.default_rng(shard).normal(size=(2500, 16)).astype(np.float32))

    def check(shards: int) -> int:
        chosen = [*names[:shards], "tax/test"]
        parts = ({name: files[name] for name in chosen} for files in (documents, window_hashes))
        return peak(lambda: check_separation(*parts, True))

    def sample(shards: int) -> int:
        return peak(lambda: kmeans.sample_vectors([vectors[name] for name in names[:shards]], 2000, 1))

    check(2), sample(2)
    assert check(8) < 1.2 * check(2)
    assert sample(8) - sample(2) < 6 * 2500 * 8 * 2
