"""Static vectors: the sentence encoder's view of words, at the price of counting them.

The encoder reads every word of generic text once, by itself; a text is then the mean of its words' vectors, weighted by
TF-IDF. That is model2vec's distillation with words of its own (the library cannot be installed beside our transformers)
but for one thing: from every vector the mean of all passages is taken, since what all text has in common would hide
what differs. Of what is left the leading components stay (PCA of the passages).

    "sleep" and "nap" never stand in one text: to `lsi` strangers, here neighbours

What is written is what `lsi` writes, vectors of words in the place of singular vectors, and is read by the same class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from speclm.cluster.lsi import LsiSettings, fit_words, write_lsi
from speclm.cluster.sentence_encoder import SentenceEncoder
from speclm.stage.errors import UserError


@dataclass(frozen=True)
class StaticSettings(LsiSettings):
    """As of `Lsi`; and the sentence encoder that is distilled, as `SentenceEncoderSettings` has it."""

    model: str


def fit_static(settings: StaticSettings, texts: list[str], where: Path, output: Path) -> dict[str, Any]:
    """Distil the encoder for these texts and write the files of `lsi` into the folder `output`.

    Args:
        where: the file that the texts are from, for errors.

    Returns:
        Numbers of passages and words, and the share of variance kept.

    Raises:
        UserError: too few words, passages or numbers of the encoder for the dimensions.
    """
    vectorizer, weights_NW = fit_words(settings, texts, where)
    words = vectorizer.get_feature_names_out().tolist()
    vectors_WV = SentenceEncoder(settings.model, "cpu").embed(words)
    if vectors_WV.shape[1] < settings.dimensions:
        raise UserError(
            f"{settings.dimensions} dimensions from vectors of {vectors_WV.shape[1]}",
            where=settings.model,
            key="embedder.dimensions",
            remedy=f"take at most {vectors_WV.shape[1]}",
        )
    weights_NW = weights_NW[weights_NW.getnnz(axis=1) > 0]  # of passages with a known word
    means_NV = (weights_NW @ vectors_WV) / np.asarray(weights_NW.sum(axis=1))
    with threadpool_limits(1):  # sums in parallel differ in the last bits
        pca = PCA(settings.dimensions, svd_solver="covariance_eigh").fit(means_NV)
        components_DW = pca.components_ @ (vectors_WV - pca.mean_).T
    write_lsi(words, vectorizer.idf_, components_DW, output)
    kept = round(float(pca.explained_variance_ratio_.sum()), 6)
    return {"passages": len(texts), "words": len(words), "variance_kept": kept}
