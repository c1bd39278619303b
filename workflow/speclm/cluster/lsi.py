"""Latent semantic indexing: TF-IDF over words, projected on the leading right singular vectors of generic text.

In go texts; out come unit vectors, float32 (texts, dimensions). Fitting writes into the embedder's folder:

    words.json, idf.npy      the word list, and how rare each word is
    components.npy           the singular vectors, float32 (dimensions, words)

    "def of a graph", "of the graph"   weights on "graph" dominate, cosine near 1

Words rather than token n-grams: at small vocabularies a token is a fragment of two or three characters, and decoding
costs less than counting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from speclm.stage.errors import UserError
from speclm.stage.files import read_array, read_json, write_array, write_json
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LsiSettings:
    """Dimensions of the vectors, size of the word list, and how many passages of generic train it is fitted on."""

    dimensions: int
    words: int
    fit_passages: int

    def __post_init__(self) -> None:
        for key in ("dimensions", "words", "fit_passages"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=f"embedder.{key}", remedy="give a number above 0")


class Lsi:
    """The fitted embedder. W words, D dimensions."""

    def __init__(self, words: list[str], idf_W: Array, components_DW: Array) -> None:
        self._vectorizer = _vectorizer(vocabulary=words)
        self._vectorizer.idf_ = np.asarray(idf_W)
        self._components_WD = np.ascontiguousarray(components_DW.T)

    def embed(self, texts: list[str]) -> Array:
        """float32 (texts, D)."""
        return unit_rows(self._vectorizer.transform(texts) @ self._components_WD)


def fit_lsi(settings: LsiSettings, texts: list[str], where: Path, seed: int, output: Path) -> dict[str, Any]:
    """Fit on these texts and write the files into the folder `output`.

    Args:
        where: the file that the texts are from, for errors.

    Returns:
        Numbers of passages and words, and the share of variance kept.

    Raises:
        UserError: too few words or passages for the dimensions.
    """
    vectorizer, weights_NW = fit_words(settings, texts, where)
    svd = TruncatedSVD(settings.dimensions, random_state=int(rng(seed, "embed", "svd").integers(2**31)))
    with threadpool_limits(1):  # sums in parallel differ in the last bits
        svd.fit(weights_NW)
    words = vectorizer.get_feature_names_out().tolist()
    write_lsi(words, vectorizer.idf_, svd.components_, output)
    kept = round(float(svd.explained_variance_ratio_.sum()), 6)
    return {"passages": len(texts), "words": len(words), "variance_kept": kept}


def fit_words(settings: LsiSettings, texts: list[str], where: Path) -> tuple[TfidfVectorizer, csr_matrix]:
    """The most frequent words of these texts with how rare they are, and the weights of the words in each text.

    Raises:
        UserError: as `fit_lsi`.
    """
    vectorizer = _vectorizer(max_features=settings.words)
    try:
        weights_NW = vectorizer.fit_transform(texts)
    except ValueError as error:  # scikit-learn's word for text without words
        raise UserError(
            f"no word stands in {len(texts)} passages of generic text ({error})",
            where=where,
            key="embedder.kind",
            remedy="take minilm, or generic text with words of two characters or more",
        ) from error
    if min(weights_NW.shape) <= settings.dimensions:
        raise UserError(
            f"{settings.dimensions} dimensions from {weights_NW.shape[0]} passages with {weights_NW.shape[1]} words",
            where=where,
            key="embedder.dimensions",
            remedy=f"take fewer than {min(weights_NW.shape)} dimensions, or fit on more passages",
        )
    return vectorizer, weights_NW


def write_lsi(words: list[str], idf_W: Array, components_DW: Array, output: Path) -> None:
    """Write what `load_lsi` reads."""
    write_json(output / "words.json", words)
    write_array(output / "idf.npy", idf_W)
    write_array(output / "components.npy", components_DW.astype(np.float32))


def load_lsi(folder: Path) -> Lsi:
    """The embedder that `fit_lsi` wrote."""
    return Lsi(
        words=read_json(folder / "words.json"),
        idf_W=read_array(folder / "idf.npy"),
        components_DW=read_array(folder / "components.npy"),
    )


def unit_rows(vectors_ND: Array) -> Array:
    """Each row divided by its length, zero rows as they are: float32, same shape."""
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    unit_ND: Array = (vectors_ND / np.where(lengths_N1 > 0, lengths_N1, 1)).astype(np.float32)
    return unit_ND


def _vectorizer(**options: Any) -> TfidfVectorizer:
    # Words are letters only: numbers and marks say how a text looks, not what it is about.
    return TfidfVectorizer(token_pattern=r"[^\W\d_]{2,}", sublinear_tf=True, dtype=np.float32, **options)
