"""The proof that no document and no token window stands in two splits.

After the token store is made, this reads what the training will read, and refuses to go on when any whole document, or
any token window of the context's length, stands in two splits. Splits are hashed one after the other, eight bytes for
each document and window, and looked up in those before them; the shards of generic train come last and are not kept. So
memory does not grow with their number, and each is compared with every other split:

    splits x/test, generic/train/00000, generic/train/00001:   x/test with each shard; not the shards with each other

Where common passages were not removed (documents.passage_words: null), it counts the windows instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.text import same_text_key
from speclm.data.windows import open_windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents

Array = np.ndarray[Any, Any]


def check_separation(
    stores: Mapping[str, Path], documents: Mapping[str, Path], passages_removed: bool
) -> dict[str, Any]:
    """Prove that no document and no token window stands in two splits.

    Args:
        stores: token stores by the split's name ("generic/heldout", "sympy/test", …), the shards of one that has
            several each by its own ("generic/train/00000", …).
        documents: document files by the same names.
        passages_removed: whether common passages were; if not, windows that stand in two splits are only counted.

    Returns:
        For each split its windows and documents and how many of them are different ones; what is shared by two splits.

    Raises:
        UserError: two splits share a document, or a window that should have been removed.
    """
    splits, windows = {}, Counter[tuple[str, str]]()
    for name, hashes, shared in _compared(documents, _document_hashes):
        _refuse(shared, name, "document", documents)
        splits[name] = {"documents": len(hashes), "different_documents": len(np.unique(hashes))}
    for name, hashes, shared in _compared(stores, _window_hashes):
        if passages_removed:
            _refuse(shared, name, "window", documents)
        for other, count in shared.items():
            windows[_pair(_split_of(name), _split_of(other), list(map(_split_of, stores)))] += count
        splits[name] |= {"windows": len(hashes), "different_windows": len(np.unique(hashes))}
    return {
        "passages_removed": passages_removed,
        "shared_documents": 0,
        "shared_windows": windows.total(),
        "shared": [{"splits": list(pair), "windows": count} for pair, count in sorted(windows.items())],
        "splits": {name: splits[name] for name in stores},
    }


def _compared(files: Mapping[str, Path], read: Callable[[Path], Array]) -> Iterator[tuple[str, Array, dict[str, int]]]:
    """The hashes of every file, and how many different ones stand in each other split; shards of a split come last."""
    shards = Counter(map(_split_of, files))
    kept: dict[str, Array] = {}
    for name in sorted(files, key=lambda name: shards[_split_of(name)] > 1):
        hashes = read(files[name])
        counts = {other: len(np.intersect1d(hashes, found)) for other, found in kept.items()}
        yield name, hashes, {other: count for other, count in counts.items() if count}
        if shards[_split_of(name)] == 1:
            kept[name] = hashes


def _refuse(shared: Mapping[str, int], name: str, what: str, documents: Mapping[str, Path]) -> None:
    for other, count in shared.items():
        first, second = _pair(name, other, list(documents))
        raise UserError(
            f"{count} {what}s of {first} stand in {second} too",
            where=documents[first],
            key="documents.passage_words",
            remedy="lower documents.passage_words, so that documents with shorter common passages are removed; where "
            "they share no words (a long line of one sign, say), set it to null: the card then counts what is shared",
        )


def _pair(name: str, other: str, order: Sequence[str]) -> tuple[str, str]:
    first, second = sorted((name, other), key=order.index)
    return first, second


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
