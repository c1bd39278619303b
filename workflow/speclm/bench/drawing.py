"""Drawing batches by cluster: microseconds per window, from a store of ten million tokens and from one of ten billion.

The stores are sparse files of zeros (what a token says makes no difference here) in shards of ten million tokens, with
an index for each shard of as many clusters as the paper's SLM-is has, unequal in size. Ours is what SLM-is does: a
pretraining's sequence is drawn through the index, its batches are then read; whenever it is used up another is drawn,
so that its cost is counted. It has 100,000 windows: the laptop's have 9,375, those of the GPU's preset 1.2 million. The
peer takes windows at random from one memory map of the same size, as nanoGPT does, opened like ours. Memory is what the
process has beside the pages mapped from files, which the system takes back when others need them.

    ours 4.4 us a window, of which drawing 0.4, plain 4.1   ->   1.07
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from speclm.bench.bench import Bench
from speclm.bench.contest import Contestant, Turn, contest
from speclm.bench.estimate import estimate, ratio
from speclm.bench.nanogpt import uniform_batch
from speclm.bench.table import Figures
from speclm.cluster.importance import draw_windows, target_probabilities
from speclm.cluster.index import ClusterIndex, index_clusters, open_index
from speclm.data.windows import Windows, map_tokens
from speclm.stage.files import write_array
from speclm.stage.job import allow_open_files
from speclm.stage.streams import rng
from speclm.train.batches import GivenSequence, load

TOKENS = 10_000_000  # of a shard
CLUSTERS = 1024
DRAWS, FEW_DRAWS = 100_000, 9_375
DTYPE = np.dtype("<u2")


@dataclass(frozen=True)
class Store:
    """A sparse store: its shards, the index of each, as many tokens as one file, and the windows of a shard."""

    tokens: list[Path]
    indices: list[Path]
    whole: Path
    context: int
    windows: int

    def open(self) -> Windows:
        """Without the checksums, which are looked at once and not per batch."""
        streams = [map_tokens(path, DTYPE, scattered=True) for path in self.tokens]
        starts = self.windows * np.arange(len(streams) + 1)
        return Windows(self.tokens, streams, starts, self.context, np.iinfo(DTYPE).max, "none")


def against_plain_sampling(bench: Bench, shards: Mapping[str, int]) -> Figures:
    """Time and memory of our draws over the peer's, for stores of so many shards, by their names."""
    config, seed = bench.config, bench.config["seeds"][0]
    batch, context = config["pretrain"]["batch"], config["context"]
    contestants = []
    for size, count in shards.items():
        store = make_store(bench.folder / "stores" / size, count, TOKENS, context, seed)
        contestants += [
            Contestant(f"ours {size}", partial(read_drawn, store, seed, DRAWS, batch), bench.environment),
            Contestant(f"draws {size}", partial(draw_alone, store, seed, DRAWS), bench.environment),
            Contestant(f"few {size}", partial(draw_alone, store, seed, FEW_DRAWS), bench.environment),
            Contestant(f"plain {size}", partial(read_plain, store, batch)),
        ]
    turns = contest(contestants, bench.rounds, bench.seconds)
    windows = {"ours": batch, "draws": DRAWS, "few": FEW_DRAWS, "plain": batch}
    return {
        name: figure
        for size in shards
        for name, figure in figures_of({kind: turns[f"{kind} {size}"] for kind in windows}, windows, size).items()
    }


def figures_of(turns: Mapping[str, Sequence[Turn]], windows: Mapping[str, int], size: str) -> Figures:
    """The figures of one store from its turns; "ours", "draws", "few" and "plain" go over so many windows a step."""
    microseconds = {name: [1e6 * turn.seconds / windows[name] for turn in of] for name, of in turns.items()}
    megabytes = {name: [turn.own / 1e6 for turn in of] for name, of in turns.items()}
    over = f"drawing by cluster over plain sampling, {size} tokens"
    return {
        f"{over}: time": ratio(microseconds["ours"], microseconds["plain"]),
        f"{over}: memory of its own": ratio(megabytes["ours"], megabytes["plain"]),
        f"drawing by cluster, {size} tokens: us per window": estimate(microseconds["ours"]),
        f"drawing by cluster, {size} tokens: us per window without reading": estimate(microseconds["draws"]),
        f"drawing by cluster, {size} tokens: the same, {windows['few']} at a time": estimate(microseconds["few"]),
        f"plain sampling, {size} tokens: us per window": estimate(microseconds["plain"]),
        f"drawing by cluster, {size} tokens: memory of its own, MB": estimate(megabytes["ours"]),
    }


def make_store(folder: Path, shards: int, tokens: int, context: int, seed: int) -> Store:
    """Write a store of zeros, so many tokens in each shard, with windows in clusters of unequal sizes."""
    folder.mkdir(parents=True)
    paths = [folder / f"{shard:05d}" for shard in range(shards)]
    store = Store(
        [path.with_suffix(".bin") for path in paths],
        [path.with_suffix(".npy") for path in paths],
        folder / "whole.bin",
        context,
        (tokens - 1) // context,
    )
    ends_K = rng(seed, "bench", "sizes").dirichlet(np.ones(CLUSTERS)).cumsum()

    def make_shard(shard: int) -> None:
        _make_sparse(store.tokens[shard], tokens)
        shares_N = rng(seed, "bench", "clusters", shard).random(store.windows)
        clusters_N = ends_K.searchsorted(shares_N).clip(max=CLUSTERS - 1)
        write_array(store.indices[shard], index_clusters(clusters_N, CLUSTERS), k=CLUSTERS)

    with ThreadPoolExecutor(16) as pool:  # which wait for the disk, most of the time
        list(pool.map(make_shard, range(shards)))
    _make_sparse(store.whole, shards * tokens)
    return store


def target_of(index: ClusterIndex, seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A domain of some hundred clusters."""
    domain_K = rng(seed, "bench", "domain").dirichlet(np.full(CLUSTERS, 0.1))
    return target_probabilities(domain_K, index.counts)[0]


def read_drawn(store: Store, seed: int, draws: int, batch: int, before_step: Callable[[], None]) -> None:
    """One step: a batch of the sequence drawn, as a tensor."""
    torch.set_num_threads(1)
    allow_open_files()
    windows, index = store.open(), open_index(store.indices, CLUSTERS)
    target_K, generator = target_of(index, seed), rng(seed, "bench", "importance")
    while True:
        order = GivenSequence(draw_windows(index, target_K, draws, generator))
        for _ in range(draws // batch):
            before_step()
            load(windows, order.take(batch), torch.device("cpu"))


def draw_alone(store: Store, seed: int, draws: int, before_step: Callable[[], None]) -> None:
    """One step: a whole sequence, of which nothing is read."""
    allow_open_files()
    index = open_index(store.indices, CLUSTERS)
    target_K, generator = target_of(index, seed), rng(seed, "bench", "importance")
    while True:
        before_step()
        draw_windows(index, target_K, draws, generator)


def read_plain(store: Store, batch: int, before_step: Callable[[], None]) -> None:
    """One step: a batch of windows that begin anywhere."""
    torch.set_num_threads(1)
    tokens = map_tokens(store.whole, DTYPE, scattered=True)
    while True:
        before_step()
        uniform_batch(tokens, store.context, batch)


def _make_sparse(path: Path, tokens: int) -> None:
    with path.open("wb") as file:
        file.truncate(tokens * DTYPE.itemsize)
