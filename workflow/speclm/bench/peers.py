"""The bare libraries that the data stages beside them rest on, or could: each does its work again and again.

What they are given is in memory or, for readers, in the file that ours reads; nothing is written but by DSIR, which
keeps its weights in files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from speclm.bench.stages import ROUNDS, SEED, Models, Text
from speclm.data.tokenizer import load_tokenizer
from speclm.stage.files import read_array, read_documents, read_json

BeforeStep = Callable[[], None]


def read_with_datasets(text: Text, before_step: BeforeStep) -> None:
    """Its loader for JSON, streaming."""
    import datasets

    path = str(text.folder / "documents.json.gz")
    while True:
        before_step()
        for _ in datasets.load_dataset("json", data_files=path, split="train", streaming=True):
            pass


def encode_with_sentencepiece(text: Text, models: Models, before_step: BeforeStep) -> None:
    """From texts to lists of numbers."""
    processor, texts = load_tokenizer(models.tokenizer).processor, _texts(text)
    while True:
        before_step()
        processor.encode(texts, num_threads=1)


def encode_with_tokenizers(text: Text, models: Models, before_step: BeforeStep) -> None:
    """The same vocabulary in Hugging Face's tokenizers."""
    import tokenizers

    from speclm.data.tokenizer_json import tokenizer_json

    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(load_tokenizer(models.tokenizer))))
    texts = _texts(text)
    while True:
        before_step()
        _ = [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def embed_with_sklearn(text: Text, models: Models, before_step: BeforeStep) -> None:
    """TfidfVectorizer and TruncatedSVD, with our words, weights and components."""
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    from speclm.cluster.passage import cut_passages, passage_texts
    from speclm.data.windows import open_windows

    words = read_json(models.embedder / "words.json")
    vectorizer = TfidfVectorizer(token_pattern=r"[^\W\d_]{2,}", sublinear_tf=True, dtype=np.float32, vocabulary=words)
    vectorizer.idf_ = np.asarray(read_array(models.embedder / "idf.npy"))
    svd = TruncatedSVD()
    svd.components_ = np.asarray(read_array(models.embedder / "components.npy"))
    windows, tokenizer = open_windows(text.folder / "tokens.bin"), load_tokenizer(models.tokenizer)
    passages = cut_passages(windows, models.passage)
    numbers = np.arange(passages.count)
    texts = [each for block in passage_texts(windows, passages, numbers, tokenizer) for each in block]
    while True:
        before_step()
        svd.transform(vectorizer.transform(texts))


def fit_with_sklearn(text: Text, models: Models, before_step: BeforeStep) -> None:
    """KMeans from k-means++."""
    from sklearn.cluster import KMeans

    vectors_ND = read_array(text.folder / "vectors.npy")
    while True:
        before_step()
        KMeans(models.clusters, n_init=1, max_iter=ROUNDS, random_state=SEED).fit(vectors_ND)


def fit_with_faiss(text: Text, models: Models, before_step: BeforeStep) -> None:
    """Kmeans from random vectors, on all of them."""
    import faiss

    vectors_ND = read_array(text.folder / "vectors.npy")
    windows, dimensions = vectors_ND.shape
    while True:
        before_step()
        faiss.Kmeans(dimensions, models.clusters, niter=ROUNDS, max_points_per_centroid=windows).train(vectors_ND)


def assign_with_sklearn(text: Text, models: Models, before_step: BeforeStep) -> None:
    """Nearest centroids."""
    from sklearn.metrics import pairwise_distances_argmin

    vectors_ND, centroids_KD = read_array(text.folder / "vectors.npy"), read_array(models.centroids)
    while True:
        before_step()
        pairwise_distances_argmin(vectors_ND, centroids_KD)


def assign_with_faiss(text: Text, models: Models, before_step: BeforeStep) -> None:
    """A flat index of the centroids."""
    import faiss

    vectors_ND, centroids_KD = read_array(text.folder / "vectors.npy"), read_array(models.centroids)
    index = faiss.IndexFlatL2(centroids_KD.shape[1])
    index.add(centroids_KD)
    while True:
        before_step()
        index.search(vectors_ND, 1)


def weigh_with_dsir(domain: Text, text: Text, folder: Path, before_step: BeforeStep) -> None:
    """Log weights of all documents, by n-gram frequencies that stand ready."""
    from data_selection import HashedNgramDSIR

    raw, target = str(text.folder / "documents.jsonl"), str(domain.folder / "documents.jsonl")
    dsir = HashedNgramDSIR([raw], [target], cache_dir=str(folder), num_proc=1)
    dsir.fit_importance_estimator()
    while True:
        before_step()
        dsir.compute_importance_weights()


def _texts(text: Text) -> list[str]:
    return [document["text"] for document in read_documents(text.folder / "documents.jsonl.zst")]
