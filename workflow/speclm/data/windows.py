"""The store: one stream of tokens per split, cut into windows, memory-mapped.

A document is written as [bos] + its tokens; documents follow each other in the split file's (shuffled) order. Window i
of context T has T inputs and T targets, the targets shifted by one, so its last token is the next window's first:

    tokens 0 1 2 3 4 5 6 7, T = 3:   window 0 = 0 1 2 3,   window 1 = 3 4 5 6;   7 is dropped in training

    {split}.bin                 the tokens, little-endian uint16 (uint32 when the vocabulary exceeds 65,536)
    {split}.json                dtype, context, counts, checksums
    {split}.documents.npy       int64 (documents, 3): tokens, characters and UTF-8 bytes of each document
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.tokenizer import Tokenizer
from speclm.stage.errors import UserError
from speclm.stage.files import atomic, read_array, read_documents, read_json, sha256, write_array, write_json

Array = np.ndarray[Any, Any]
_ENCODED_TOGETHER = 2048  # documents: bounds memory, changes no result


@dataclass(frozen=True)
class Windows:
    """A split's tokens as windows.

    Attributes:
        path: the .bin file.
        tokens: the whole stream, memory-mapped, (tokens,).
        context: T, the number of inputs (and of targets) of a window.
        count: number of whole windows.
        documents: int64 (documents + 1,): where each document starts in the stream, and the stream's end.
        characters, bytes: int64 (documents,): of each document's text.
        vocabulary: number of pieces of the tokenizer.
        tokenizer_sha256: which tokenizer.
    """

    path: Path
    tokens: Array
    context: int
    count: int
    documents: Array
    characters: Array
    bytes: Array
    vocabulary: int
    tokenizer_sha256: str

    def batch(self, indices_B: Array) -> Array:
        """The windows with these numbers: int64 (B, T+1)."""
        assert indices_B.size == 0 or (indices_B.min() >= 0 and indices_B.max() < self.count)
        positions_BL = np.asarray(indices_B)[:, None] * self.context + np.arange(self.context + 1)
        windows_BL: Array = self.tokens[positions_BL].astype(np.int64)
        return windows_BL

    def first(self, size: int) -> int:
        """How many windows lie within the first `size` tokens: a smaller size is always a part of a larger one.

        Raises:
            UserError: the split has fewer tokens, or not one window fits.
        """
        windows = size // self.context
        if windows < 1 or windows > self.count:
            raise UserError(
                f"{size} tokens asked for; the split has {self.count * self.context} in windows of {self.context}",
                where=self.path,
                key="specialize.sizes",
                remedy=f"take sizes from {self.context} to {self.count * self.context}, or give more documents",
            )
        return windows

    def document_of(self, positions: Array) -> Array:
        """The number of the document that each stream position lies in: int64, same shape."""
        numbers: Array = np.searchsorted(self.documents, positions, side="right") - 1
        return numbers


def encode_split(documents: Path, tokenizer: Tokenizer, context: int, threads: int, output: Path) -> dict[str, Any]:
    """Write the store of one split: `output` (.bin), its .json and its .documents.npy.

    Args:
        threads: how many encode at the same time; the bytes written do not depend on it.

    Returns:
        The store's description.

    Raises:
        UserError: the split has less than one window of tokens.
    """

    def texts() -> Iterator[str]:
        return (document["text"] for document in read_documents(documents))

    streams = _encoded(texts(), tokenizer, threads)
    facts = write_store(streams, context, tokenizer.vocabulary, tokenizer.sha256, output)
    if facts["tokens"] <= context:
        raise UserError(
            f"has {facts['tokens']} tokens, fewer than one window of {context} and its last target",
            where=documents,
            key="context",
            remedy="take a shorter context, or give more documents",
        )
    return facts


def write_store(
    documents: Iterable[tuple[Array, int, int]], context: int, vocabulary: int, tokenizer_sha256: str, output: Path
) -> dict[str, Any]:
    """Write a store from encoded documents: (tokens with bos, characters, bytes) each."""
    dtype = np.dtype("<u2" if vocabulary <= 1 << 16 else "<u4")
    rows = []
    digest = hashlib.sha256()
    with atomic(output) as temporary, temporary.open("wb") as stream:
        for tokens, characters, size in documents:
            block = tokens.astype(dtype).tobytes()
            stream.write(block)
            digest.update(block)
            rows.append((len(tokens), characters, size))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    write_array(_documents_path(output), table, columns=["tokens", "characters", "bytes"])
    tokens_total = int(table[:, 0].sum())
    facts = {
        "dtype": dtype.name,
        "context": context,
        "tokens": tokens_total,
        "windows": max(0, (tokens_total - 1) // context),
        "documents": len(table),
        "characters": int(table[:, 1].sum()),
        "bytes": int(table[:, 2].sum()),
        "vocabulary": vocabulary,
        "tokenizer_sha256": tokenizer_sha256,
        "sha256": digest.hexdigest(),
    }
    write_json(output.with_suffix(".json"), facts)
    return facts


def open_windows(path: Path, tokenizer_sha256: str | None = None) -> Windows:
    """Open a store after checking it.

    Args:
        tokenizer_sha256: the vocabulary that the reader works with; None where no model is involved.

    Raises:
        UserError: the store is cut short, damaged, or was made with another tokenizer.
    """
    facts = read_json(path.with_suffix(".json"))
    dtype = np.dtype(facts["dtype"]).newbyteorder("<")
    remake = "delete it and run again: its stage makes it anew"
    if path.stat().st_size != facts["tokens"] * dtype.itemsize:
        expected = facts["tokens"] * dtype.itemsize
        raise UserError(f"is cut short: {path.stat().st_size} bytes of {expected}", where=path, remedy=remake)
    if sha256(path) != facts["sha256"]:
        raise UserError("is damaged: its checksum is not the one in its .json", where=path, remedy=remake)
    if tokenizer_sha256 not in (None, facts["tokenizer_sha256"]):
        raise UserError(
            f"was made with the tokenizer {facts['tokenizer_sha256'][:12]}, not with {str(tokenizer_sha256)[:12]}",
            where=path,
            remedy="delete the token store and run again, or restore the tokenizer it was made with",
        )
    table = read_array(_documents_path(path))
    return Windows(
        path=path,
        tokens=np.memmap(path, dtype=dtype, mode="r"),
        context=facts["context"],
        count=facts["windows"],
        documents=np.concatenate([[0], np.cumsum(table[:, 0])]),
        characters=table[:, 1],
        bytes=table[:, 2],
        vocabulary=facts["vocabulary"],
        tokenizer_sha256=facts["tokenizer_sha256"],
    )


def nearest_size(tokens: int, sizes: Sequence[int]) -> int:
    """The place of the size that so many tokens are nearest to, by ratio: 143k of (2.5k, 20k, 160k) to the last."""
    return min(range(len(sizes)), key=lambda place: abs(log(sizes[place] / tokens)))


def byte_share(windows: Windows, tokenizer: Tokenizer) -> float:
    """Share of the tokens that are single bytes: what characters are written in that the tokenizer does not know."""
    counts_V = np.bincount(windows.tokens, minlength=tokenizer.vocabulary)
    bytes_V = np.array([tokenizer.processor.is_byte(piece) for piece in range(tokenizer.vocabulary)])
    return float(counts_V[bytes_V].sum() / counts_V.sum())


def _documents_path(path: Path) -> Path:
    return path.with_suffix(".documents.npy")


def _encoded(texts: Iterator[str], tokenizer: Tokenizer, threads: int) -> Iterator[tuple[Array, int, int]]:
    bos = tokenizer.processor.bos_id()
    while block := list(islice(texts, _ENCODED_TOGETHER)):
        for text, tokens in zip(block, tokenizer.encode(block, threads), strict=True):
            yield np.array([bos, *tokens]), len(text), len(text.encode())
