"""Passages as vectors: nearby vectors, similar text.

In go passages of a split, decoded to text (`passage`); out come unit vectors, float32 (passages, dimensions), and
beside them the passage of each window. Three embedders:

    lsi      TF-IDF over words, then a truncated SVD, fitted on generic train: more than 10k windows a second on one
             core, so the laptop's default. A stand-in, assumed.
    static   the same words and weights with vectors of words distilled from the sentence encoder: as fast, and nearer
             to the paper's kind. The encoder reads 20k words and 1,000 passages once: two minutes.
    minilm   the sentence encoder itself, the paper's kind: about twelve windows a second on a CPU core.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from speclm.cluster.lsi import LsiSettings, fit_lsi, load_lsi
from speclm.cluster.passage import cut_passages, passage_texts, windows_path
from speclm.cluster.sentence_encoder import SentenceEncoder, SentenceEncoderSettings
from speclm.cluster.static import StaticSettings, fit_static
from speclm.data.tokenizer import Tokenizer
from speclm.data.windows import Windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_json, write_array, write_json, write_rows
from speclm.stage.settings import from_mapping
from speclm.stage.streams import rng

Array = np.ndarray[Any, Any]


EmbedderSettings = LsiSettings | StaticSettings | SentenceEncoderSettings


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    def embed(self, texts: list[str]) -> Array:
        """float32 (texts, dimensions), rows of length 1 (or 0 where nothing is known of a text)."""


_KINDS: Mapping[str, type[EmbedderSettings]] = {
    "lsi": LsiSettings,
    "static": StaticSettings,
    "minilm": SentenceEncoderSettings,
}


def embedder_from_settings(settings: Mapping[str, Any], where: str) -> EmbedderSettings:
    """The embedder that the settings describe: ``kind``, and the keys of that kind; those of others are passed over.

    Raises:
        UserError: an unknown kind, a missing key.
    """
    kind = str(settings.get("kind"))
    if kind not in _KINDS:
        raise UserError(f'unknown kind "{kind}"', where=where, key="kind", remedy=f"one of {', '.join(_KINDS)}")
    known = {field.name for field in fields(_KINDS[kind])}
    return from_mapping(_KINDS[kind], {key: value for key, value in settings.items() if key in known}, where)


def fit_embedder(
    settings: EmbedderSettings,
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
        What ``embedder.json`` says: kind, settings, and of what is fitted the words and the share of variance kept.

    Raises:
        UserError: too few words or passages for the dimensions; a passage shorter than a window.
    """
    output.mkdir(parents=True, exist_ok=True)
    kind = next(kind for kind, known in _KINDS.items() if type(settings) is known)
    facts = {"kind": kind, "settings": asdict(settings)}
    if isinstance(settings, LsiSettings):
        texts = sample_texts(windows, passage, settings.fit_passages, tokenizer, rng(seed, "embed", "sample"))
        if isinstance(settings, StaticSettings):
            facts |= fit_static(settings, texts, windows.paths[0], output)
        else:
            facts |= fit_lsi(settings, texts, windows.paths[0], seed, output)
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
    return SentenceEncoder(facts["settings"]["model"], device) if facts["kind"] == "minilm" else load_lsi(folder)


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
