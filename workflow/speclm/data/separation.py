"""The proof that no document and no token window stands in two splits.

After the token store is made, this reads what the training will read, and refuses to go on when any whole document, or
any token window of the context's length, stands in two splits. Splits are hashed one after the other, eight bytes for
each document and window, and looked up in those before them; the shards of generic train come last and are not kept. So
memory does not grow with their number, and each is compared with every other split:

    splits x/test, generic/train/00000, generic/train/00001:   x/test with each shard; not the shards with each other
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.text import same_text_key
from speclm.data.windows import open_windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents

Array = np.ndarray[Any, Any]


def check_separation(stores: Mapping[str, Path], documents: Mapping[str, Path]) -> dict[str, Any]:
    """Prove that no document and no token window stands in two splits.

    Args:
        stores: token stores by the split's name ("generic/heldout", "sympy/test", …), the shards of one that has
            several each by its own ("generic/train/00000", …).
        documents: document files by the same names.

    Returns:
        For each split its windows and documents and how many of them are different ones; zeros as shared counts.

    Raises:
        UserError: two splits share a document or a window.
    """
    splits = {}
    for name, hashes in _compared(documents, _document_hashes, "document", documents):
        splits[name] = {"documents": len(hashes), "different_documents": len(np.unique(hashes))}
    for name, hashes in _compared(stores, _window_hashes, "window", documents):
        splits[name] |= {"windows": len(hashes), "different_windows": len(np.unique(hashes))}
    return {"shared_documents": 0, "shared_windows": 0, "splits": {name: splits[name] for name in stores}}


def _compared(
    files: Mapping[str, Path], read: Callable[[Path], Array], what: str, documents: Mapping[str, Path]
) -> Iterator[tuple[str, Array]]:
    """The hashes of every file, after a look for them in all other splits; shards of a split come last."""
    shards = Counter(map(_split_of, files))
    kept: dict[str, Array] = {}
    for name in sorted(files, key=lambda name: shards[_split_of(name)] > 1):
        hashes = read(files[name])
        for other, found in kept.items():
            shared = np.intersect1d(hashes, found)
            if len(shared):
                first, second = sorted((name, other), key=list(files).index)
                raise UserError(
                    f"{len(shared)} {what}s of {first} stand in {second} too",
                    where=documents[first],
                    key="documents.passage_words",
                    remedy="lower documents.passage_words, so that documents with shorter common passages are removed",
                )
        if shards[_split_of(name)] == 1:
            kept[name] = hashes
        yield name, hashes


def _split_of(name: str) -> str:
    """generic/train/00003 -> generic/train."""
    return "/".join(name.split("/")[:2])


def _window_hashes(path: Path) -> Array:
    """64-bit hash of the T inputs of every window: uint64 (windows,)."""
    store = open_windows(path)
    windows_NT = store.tokens[: store.count * store.context].reshape(store.count, store.context)
    hashes = (int.from_bytes(blake2b(row.tobytes(), digest_size=8).digest(), "little") for row in windows_NT)
    return np.fromiter(hashes, dtype=np.uint64, count=store.count)


def _document_hashes(path: Path) -> Array:
    hashes = (int.from_bytes(same_text_key(document["text"])[:8], "little") for document in read_documents(path))
    return np.fromiter(hashes, dtype=np.uint64)
