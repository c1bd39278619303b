"""The data stages as the workflow's jobs run them: files in, files out, opening and checking them included.

Each takes one part of the benchmark's text (`corpus`) and writes to a folder:

    read       documents.json.gz, row by row
    collect    documents.json.gz -> collected.jsonl.zst
    encode     documents.jsonl.zst -> tokens.bin
    embed      tokens.bin -> vectors.npy, vectors.windows.npy
    fit        vectors.npy -> centroids.npy
    assign     vectors.npy, vectors.windows.npy -> clusters.npy, index.npy
    weigh      documents.jsonl.zst -> w(c) of every window: encode, embed, assign, then the ratio of histograms
    split      generic.jsonl.zst, domain.jsonl.zst -> their splits, no two of which share anything

Like the workflow's scripts each loads only what it needs, or its memory would be that of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from speclm.stage.files import read_array, write_array

SEED = 17
ROUNDS = 10  # of Lloyd's algorithm


@dataclass(frozen=True)
class Text:
    """One part: the folder of its forms, and the bytes of its text."""

    folder: Path
    bytes: int


@dataclass(frozen=True)
class Models:
    """What is fitted once and serves every part; tokens of a window and of a passage, and the number of clusters."""

    tokenizer: Path
    embedder: Path
    centroids: Path
    context: int
    passage: int
    clusters: int


Stage = Callable[[Text, Models, Path], None]


def repeat(work: Callable[[], None], before_step: Callable[[], None]) -> None:
    """Do a work again and again, as a contestant does."""
    while True:
        before_step()
        work()


def read(text: Text) -> None:
    """The rows of a file, of which nothing is made."""
    from speclm.data.rows import read_rows

    path = text.folder / "documents.json.gz"
    with path.open("rb") as stream:
        for _ in read_rows(stream, path.name, str(path), ["text"]):
            pass


def collect(text: Text, models: Models, output: Path) -> None:
    """As the rule collect_documents."""
    from speclm.data.sources import Source, collect_documents

    files = {"documents.json.gz": str(text.folder / "documents.json.gz")}
    source = Source("files", "bench", files, "-", "text", "-", minimum_characters=1, strict=True)
    collect_documents(source, output / "collected.jsonl.zst", output / "collected.json")


def encode(text: Text, models: Models, output: Path) -> None:
    """As the rule encode_split."""
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import encode_split

    tokenizer = load_tokenizer(models.tokenizer)
    encode_split(text.folder / "documents.jsonl.zst", tokenizer, models.context, 1, output / "tokens.bin")


def embed(text: Text, models: Models, output: Path) -> None:
    """As the rule embed_split."""
    from speclm.cluster.embed import embed_windows
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import open_windows

    tokenizer = load_tokenizer(models.tokenizer)
    windows = open_windows(text.folder / "tokens.bin", tokenizer.sha256)
    embed_windows(models.embedder, windows, models.passage, (), tokenizer, "cpu", output / "vectors.npy")


def fit(text: Text, models: Models, output: Path) -> None:
    """As the rule fit_clusters, for one k, on all vectors, in a few rounds."""
    from speclm.cluster.kmeans import KMeansSettings, fit_clusters

    vectors = text.folder / "vectors.npy"
    settings = KMeansSettings(len(read_array(vectors)), ROUNDS)
    fit_clusters([vectors], models.clusters, settings, SEED, output / "centroids.npy")


def assign(text: Text, models: Models, output: Path) -> None:
    """As the rule assign_clusters, for one k."""
    from speclm.cluster.index import write_index
    from speclm.cluster.kmeans import assign_clusters

    assign_clusters(text.folder / "vectors.npy", models.centroids, output / "clusters.npy")
    write_index(output / "clusters.npy", models.clusters, output / "index.npy")


def weigh(domain: Text, text: Text, models: Models, output: Path) -> None:
    """The importance weights of a text's windows towards a domain whose clusters are known."""
    from speclm.cluster.histogram import count_clusters
    from speclm.cluster.importance import importance_weights

    encode(text, models, output)
    encoded = Text(output, text.bytes)
    embed(encoded, models, output)
    assign(encoded, models, output)
    clusters_N = read_array(output / "clusters.npy")
    domain_K = count_clusters(read_array(domain.folder / "clusters.npy"), models.clusters)
    weights_K = importance_weights(domain_K, count_clusters(clusters_N, models.clusters))
    write_array(output / "weights.npy", weights_K[clusters_N])


def split(text: Text, models: Models, output: Path) -> None:
    """As the rules that place the domains and held-out text, and then divide a generic shard."""
    from speclm.data.splits import SplitSettings, split_corpora, split_shard

    settings = SplitSettings(1, 1, 1, similarity=0.8, permutations=64, passage_words=32)
    generic, domain = text.folder / "generic.jsonl.zst", text.folder / "domain.jsonl.zst"
    split_corpora(generic, [("domain", [domain])], settings, SEED, output, output / "scratch")
    split_shard(
        generic, 0, output / "placed", settings, SEED, output / "generic/train.jsonl.zst", output / "scratch/generic"
    )
