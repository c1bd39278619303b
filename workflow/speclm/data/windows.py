"""The store: one stream of tokens per split or shard of a split, cut into windows, memory-mapped.

A document is written as [bos] + its tokens; documents follow each other in the split file's (shuffled) order. Window i
of context T has T inputs and T targets, the targets shifted by one, so its last token is the next window's first:

    tokens 0 1 2 3 4 5 6 7, T = 3:   window 0 = 0 1 2 3,   window 1 = 3 4 5 6;   7 is dropped in training

    {split}.bin                 the tokens, little-endian uint16 (uint32 when the vocabulary exceeds 65,536)
    {split}.bin.json            dtype, context, counts, checksums; "single_bytes": how many tokens are one byte of
                                characters that the tokenizer does not know
    {split}.documents.npy       int64 (documents, 3): tokens, characters and UTF-8 bytes of each document

A split in several shards is read as one: numbers of windows run through its shards in order, and no window straddles
two. Shards of 2 and 3 windows: number 2 is the second shard's first.
"""

from __future__ import annotations

import hashlib
import mmap
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.text import together
from speclm.data.tokenizer import Tokenizer
from speclm.stage.errors import UserError
from speclm.stage.files import atomic, is_whole, read_array, read_documents, read_json, write_array, write_json

Array = np.ndarray[Any, Any]
Keep = Callable[[Iterable[tuple[Array, int, int]]], Iterable[tuple[Array, int, int]]]
_ENCODED_TOGETHER = 1 << 19  # characters, so many or one document: bounds memory, changes no result


@dataclass(frozen=True)
class Windows:
    """A split's tokens as windows, from one store or from several: its shards.

    Attributes:
        paths: the .bin files.
        streams: of each store all tokens, memory-mapped, (tokens,).
        starts: int64 (stores + 1,): the number of each store's first window, and of all windows.
        context: T, the number of inputs (and of targets) of a window.
        vocabulary: number of pieces of the tokenizer.
        tokenizer_sha256: which tokenizer.
    """

    paths: Sequence[Path]
    streams: Sequence[Array]
    starts: Array
    context: int
    vocabulary: int
    tokenizer_sha256: str

    @property
    def count(self) -> int:
        """Number of whole windows."""
        return int(self.starts[-1])

    def batch(self, indices_B: Array) -> Array:
        """The windows with these numbers: int64 (B, T+1)."""
        assert indices_B.size == 0 or (indices_B.min() >= 0 and indices_B.max() < self.count)
        stores_B = np.searchsorted(self.starts, indices_B, side="right") - 1
        begins_B = (indices_B - self.starts[stores_B]) * self.context
        windows_BL = np.empty((len(indices_B), self.context + 1), dtype=np.int64)
        for window_L, store, begin in zip(windows_BL, stores_B.tolist(), begins_B.tolist(), strict=True):
            window_L[:] = self.streams[store][begin : begin + self.context + 1]
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
                where=self.paths[0],
                key="specialize.sizes",
                remedy=f"take sizes from {self.context} to {self.count * self.context}, or give more documents",
            )
        return windows

    def shards(self) -> Iterator[Windows]:
        """Each store's windows by themselves."""
        for path, stream, windows in zip(self.paths, self.streams, np.diff(self.starts), strict=True):
            yield replace(self, paths=[path], streams=[stream], starts=np.array([0, windows]))

    @property
    def tokens(self) -> Array:
        """The whole stream of a split in one store: (tokens,)."""
        (stream,) = self.streams
        return stream

    @cached_property
    def documents(self) -> Array:
        """Where each document of a split in one store starts in the stream, and its end: int64 (documents + 1,)."""
        return np.concatenate([[0], np.cumsum(self._table[:, 0])])

    @property
    def bytes(self) -> Array:
        """Of each document's text in a split in one store: int64 (documents,)."""
        return self._table[:, 2]

    def document_of(self, positions: Array) -> Array:
        """The number of the document that each stream position lies in: int64, same shape."""
        numbers: Array = np.searchsorted(self.documents, positions, side="right") - 1
        return numbers

    @cached_property
    def _table(self) -> Array:
        (path,) = self.paths
        return read_array(_documents_path(path))


def encode_split(
    documents: Path, tokenizer: Tokenizer, context: int, threads: int, output: Path, keep: Keep = iter
) -> dict[str, Any]:
    """Write the store of one split: `output` (.bin), its .bin.json and its .documents.npy.

    Args:
        threads: how many encode at the same time; the bytes written do not depend on it.
        keep: which of the encoded documents stay (see `sieve`).

    Returns:
        The store's description.

    Raises:
        UserError: the split has less than one window of tokens.
    """

    def texts() -> Iterator[str]:
        return (document["text"] for document in read_documents(documents))

    streams = keep(_encoded(texts(), tokenizer, threads))
    facts = write_store(streams, context, tokenizer.vocabulary, tokenizer.sha256, output, tokenizer.single_bytes)
    if facts["tokens"] <= context:
        raise UserError(
            f"has {facts['tokens']} tokens, fewer than one window of {context} and its last target",
            where=documents,
            key="context",
            remedy="take a shorter context, or give more documents",
        )
    return facts


def write_store(
    documents: Iterable[tuple[Array, int, int]],
    context: int,
    vocabulary: int,
    tokenizer_sha256: str,
    output: Path,
    single_bytes: Sequence[int] = (),
) -> dict[str, Any]:
    """Write a store from encoded documents: (tokens with bos, characters, bytes) each.

    Args:
        single_bytes: the pieces that are one byte each; their tokens are counted.
    """
    dtype = np.dtype("<u2" if vocabulary <= 1 << 16 else "<u4")
    single_V = np.isin(np.arange(vocabulary), single_bytes)
    single = 0
    rows = array("q")
    digest = hashlib.sha256()
    with atomic(output) as temporary, temporary.open("wb") as stream:
        for tokens, characters, size in documents:
            block = tokens.astype(dtype).tobytes()
            stream.write(block)
            digest.update(block)
            single += int(np.count_nonzero(single_V[tokens]))
            rows.extend((len(tokens), characters, size))
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
        "single_bytes": single,
        "vocabulary": vocabulary,
        "tokenizer_sha256": tokenizer_sha256,
        "sha256": digest.hexdigest(),
    }
    write_json(f"{output}.json", facts)
    return facts


def open_windows(paths: Path | Sequence[Path], tokenizer_sha256: str | None = None, scattered: bool = False) -> Windows:
    """Open the store of a split, or the stores of its shards in order, after checking each.

    Args:
        tokenizer_sha256: the vocabulary that the reader works with; None where no model is involved.
        scattered: windows will be read in no order: see `map_tokens`.

    Raises:
        UserError: a store is cut short, damaged, or was made with another tokenizer.
    """
    paths = [paths] if isinstance(paths, Path) else list(paths)
    stores = [_open_store(path, tokenizer_sha256, scattered) for path in paths]
    facts = stores[0][0]
    return Windows(
        paths=paths,
        streams=[stream for _, stream in stores],
        starts=np.concatenate([[0], np.cumsum([store["windows"] for store, _ in stores])]),
        context=facts["context"],
        vocabulary=facts["vocabulary"],
        tokenizer_sha256=facts["tokenizer_sha256"],
    )


def map_tokens(path: Path, dtype: np.dtype[Any], scattered: bool) -> Array:
    """The tokens of a store, memory-mapped: (tokens,).

    With `scattered` the system brings in the page that is asked for, and not those behind it: of a store that is not in
    memory a window took 26 ms where 8 MB are read ahead, and 7 us where nothing is.
    """
    tokens = np.memmap(path, dtype=dtype, mode="r")
    if scattered:
        tokens.base.madvise(mmap.MADV_RANDOM)  # type: ignore[union-attr]
    return np.asarray(tokens)


def _open_store(path: Path, tokenizer_sha256: str | None, scattered: bool) -> tuple[dict[str, Any], Array]:
    """What is said of a store, and its tokens."""
    remake = "delete it and run again: its stage makes it anew"
    sidecar = path.with_name(f"{path.name}.json")
    if not sidecar.exists():
        raise UserError(f"has no {sidecar.name} beside it", where=path, remedy=remake)
    facts = read_json(sidecar)
    dtype = np.dtype(facts["dtype"]).newbyteorder("<")
    if path.stat().st_size != facts["tokens"] * dtype.itemsize:
        expected = facts["tokens"] * dtype.itemsize
        raise UserError(f"is cut short: {path.stat().st_size} bytes of {expected}", where=path, remedy=remake)
    if not is_whole(path, facts["sha256"]):
        raise UserError("is damaged: its checksum is not the one in its .json", where=path, remedy=remake)
    if tokenizer_sha256 not in (None, facts["tokenizer_sha256"]):
        raise UserError(
            f"was made with the tokenizer {facts['tokenizer_sha256'][:12]}, not with {str(tokenizer_sha256)[:12]}",
            where=path,
            remedy="delete the token store and run again, or restore the tokenizer it was made with",
        )
    return facts, map_tokens(path, dtype, scattered)


def nearest_size(tokens: int, sizes: Sequence[int]) -> int:
    """The place of the size that so many tokens are nearest to, by ratio: 143k of (2.5k, 20k, 160k) to the last."""
    return min(range(len(sizes)), key=lambda place: abs(log(sizes[place] / tokens)))


def _documents_path(path: Path) -> Path:
    return path.with_suffix(".documents.npy")


def _encoded(texts: Iterator[str], tokenizer: Tokenizer, threads: int) -> Iterator[tuple[Array, int, int]]:
    bos = tokenizer.processor.bos_id()
    for block in together(texts, _ENCODED_TOGETHER):
        for text, tokens in zip(block, tokenizer.encode(block, threads), strict=True):
            yield np.array([bos, *tokens]), len(text), len(text.encode())
