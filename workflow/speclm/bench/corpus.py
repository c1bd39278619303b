"""What the data stages are measured on: real text, in every form in which a stage takes or gives it.

Docstrings of the default corpus go in, as many megabytes as the benchmark asks for; out come the same documents as a
whole, in 4 parts and in 16, so that a stage can be given the same text at once and in pieces:

    whole/0    documents.jsonl.zst, .jsonl and .json.gz (as C4's shards are), tokens.bin, vectors.npy, clusters.npy
    quarter/0 … 3, sixteenth/0 … 15    likewise

Tokenizer, embedder and centroids are the laptop study's in size and fitted on the whole. Of each part every eighth
document also stands for a domain, and the others for the generic text beside it.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speclm.bench.stages import Models, Text, assign, embed, encode
from speclm.cluster.embed import embedder_from_settings, fit_embedder
from speclm.cluster.kmeans import KMeansSettings, fit_clusters
from speclm.data.docstrings import Document, read_installed_docs
from speclm.data.tokenizer import TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.data.windows import open_windows
from speclm.stage.files import read_table, write_documents

PARTS = {"whole": 1, "quarter": 4, "sixteenth": 16}
EVERY = 8  # documents, of which one is the domain's


@dataclass(frozen=True)
class Corpus:
    """The parts by the names of `PARTS`, and what was fitted on the whole."""

    models: Models
    parts: dict[str, list[Text]]

    @property
    def whole(self) -> Text:
        return self.parts["whole"][0]


def make_corpus(config: Mapping[str, Any], datasets: Path, size: int, folder: Path) -> Corpus:
    """Read, fit and write everything.

    Args:
        datasets: the table of data sets. size: of the text, in bytes.
    """
    documents = list(_documents(config, datasets, size))
    parts: dict[str, list[Text]] = {}
    for name, count in PARTS.items():
        bounds = np.linspace(0, len(documents), count + 1).astype(int)
        parts[name] = [
            _write(folder / name / str(number), documents[bounds[number] : bounds[number + 1]])
            for number in range(count)
        ]
    models = _fit(config, parts["whole"][0], folder)
    for text in (text for texts in parts.values() for text in texts):
        encode(text, models, text.folder)
        embed(text, models, text.folder)
        assign(text, models, text.folder)
    return Corpus(models, parts)


def _documents(config: Mapping[str, Any], datasets: Path, size: int) -> Iterator[Document]:
    """The first documents of the study's generic data set."""
    section = config["documents"]
    packages = str(read_table(datasets).set_index("dataset").loc[section["generic"], "source"]).split()
    for document in read_installed_docs(tuple(packages), section["minimum_characters"]):
        yield document
        size -= len(document["text"].encode())
        if size <= 0:
            return


def _write(folder: Path, documents: Sequence[Document]) -> Text:
    """The forms that hold documents."""
    write_documents(folder / "documents.jsonl.zst", documents)
    write_documents(folder / "generic.jsonl.zst", [text for n, text in enumerate(documents) if n % EVERY])
    write_documents(folder / "domain.jsonl.zst", documents[::EVERY])
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps({"text": document["text"]}) + "\n" for document in documents)
    with (folder / "documents.jsonl").open("rb") as plain, gzip.open(folder / "documents.json.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    return Text(folder, sum(len(document["text"].encode()) for document in documents))


def _fit(config: Mapping[str, Any], whole: Text, folder: Path) -> Models:
    """The laptop study's tokenizer, embedder and centroids."""
    chosen, seed, clusters = config["tokenizer"], config["clusters"]["seed"], config["models"]["slm_is"]["clusters"]
    context, passage = config["context"], config["embedder"]["passage"]
    models = Models(
        folder / "tokenizer.model", folder / "embedder", folder / "centroids.npy", context, passage, clusters
    )
    settings = TokenizerSettings(chosen["vocabulary"], chosen["kind"], chosen["characters"], 1000, chosen["threads"])
    train_tokenizer([whole.folder / "documents.jsonl.zst"], settings, models.tokenizer)
    encode(whole, models, whole.folder)
    tokenizer, windows = load_tokenizer(models.tokenizer), open_windows(whole.folder / "tokens.bin")
    embedder = embedder_from_settings(config["embedder"], "embedder")
    fit_embedder(embedder, windows, passage, tokenizer, seed, models.embedder)
    embed(whole, models, whole.folder)
    kmeans = KMeansSettings(config["clusters"]["fit_passages"], config["clusters"]["iterations"])
    fit_clusters([whole.folder / "vectors.npy"], clusters, kmeans, seed, models.centroids)
    return models
