"""Static vectors: the sentence encoder's view of text, at the price of counting words.

The encoder reads every word of generic text once, by itself, and some passages; a text's vector is then the mean of its
words' vectors, weighted by TF-IDF, turned by the one matrix that brings such means nearest to what the encoder itself
makes of those passages (ridge regression). The leading components stay (PCA of all passages):

    v(text) = sum over its words of tfidf x (encoder(word) - mean) C E,    to length 1

That is what model2vec does (its library cannot be installed beside our transformers), with words of our own and its
teaching in closed form. Without the matrix C clusters are less like the encoder's than those of `lsi`, with it more.

    "sleep" and "nap" never stand in one text: to `lsi` strangers, here neighbours

What is written is what `lsi` writes, vectors of words in the place of singular vectors, and is read by the same class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from speclm.cluster.lsi import LsiSettings, fit_words, unit_rows, write_lsi
from speclm.cluster.sentence_encoder import TAUGHT, SentenceEncoder
from speclm.stage.errors import UserError


@dataclass(frozen=True)
class StaticSettings(LsiSettings):
    """As of `lsi`; and the sentence encoder that is distilled, as `SentenceEncoderSettings` has it."""

    model: str


def fit_static(settings: StaticSettings, texts: list[str], where: Path, output: Path) -> dict[str, Any]:
    """Distil the encoder for these texts and write the files of `lsi` into the folder `output`.

    Args:
        where: the file that the texts are from, for errors.

    Returns:
        Numbers of passages, of those that the encoder read, and of words, and the share of variance kept.

    Raises:
        UserError: too few words, passages or numbers of the encoder for the dimensions.
    """
    vectorizer, weights_NW = fit_words(settings, texts, where)
    words, encoder = vectorizer.get_feature_names_out().tolist(), SentenceEncoder(settings.model, "cpu")
    vectors_WV = encoder.embed(words)
    if vectors_WV.shape[1] < settings.dimensions:
        raise UserError(
            f"{settings.dimensions} dimensions from vectors of {vectors_WV.shape[1]}",
            where=settings.model,
            key="embedder.dimensions",
            remedy=f"take at most {vectors_WV.shape[1]}",
        )
    known_N = np.flatnonzero(weights_NW.getnnz(axis=1))  # passages with a known word
    weights_NW = weights_NW[known_N]
    taught_T = np.linspace(0, len(known_N) - 1, min(TAUGHT, len(known_N))).astype(int)
    encoded_TV = encoder.embed([texts[number] for number in known_N[taught_T]])
    with threadpool_limits(1):  # sums in parallel differ in the last bits
        means_NV = (weights_NW @ vectors_WV) / np.asarray(weights_NW.sum(axis=1))
        vectors_WV = vectors_WV - means_NV.mean(axis=0)
        means_NV = unit_rows(means_NV - means_NV.mean(axis=0))
        matrix_VV = Ridge(solver="cholesky").fit(means_NV[taught_T], encoded_TV).coef_.T
        pca = PCA(settings.dimensions, svd_solver="covariance_eigh").fit(means_NV @ matrix_VV)
        components_DW = pca.components_ @ (vectors_WV @ matrix_VV).T
    write_lsi(words, vectorizer.idf_, components_DW, output)
    kept = round(float(pca.explained_variance_ratio_.sum()), 6)
    return {"passages": len(texts), "taught": len(taught_T), "words": len(words), "variance_kept": kept}
