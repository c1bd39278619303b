"""The proof that no document stands in two splits, and no window in training text and in what it is measured by.

After the token store is made, `hash_split` reads of every split, or shard of one, what training will read: eight bytes
stand for each whole document and for each token window of the context's length. `check_separation` compares these
hashes and refuses to go on when one stands in two splits that are held apart: one that is trained on and one that is
not, or two of one corpus. For that an encoded split is freed of other splits' windows (see `sieve`); those that other
pairs share, such as two domains' training texts, are counted. The shards of generic train come last and are not
kept, so memory does not grow with their number, and each is compared with every other split:

    splits x/test, generic/train/00000, generic/train/00001:   x/test with each shard; not the shards with each other

Where common passages were not removed (documents.passage_words: null), it counts all windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from speclm.data.names import held_apart, split_of
from speclm.data.text import same_text_key
from speclm.data.windows import open_windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, read_documents, read_json, write_array

Array = np.ndarray[Any, Any]


def hash_split(documents: Path, store: Path, document_hashes: Path, window_hashes: Path) -> dict[str, int]:
    """Write the 64-bit hashes of a split's documents and of the T inputs of its windows: sorted, uint64.

    Returns:
        How many there are of both.
    """
    texts = (same_text_key(document["text"])[:8] for document in read_documents(documents))
    windows = open_windows(store)
    windows_NT = windows.tokens[: windows.count * windows.context].reshape(windows.count, windows.context)
    rows = (blake2b(row.tobytes(), digest_size=8).digest() for row in windows_NT)
    return {
        "documents": _write_hashes(texts, document_hashes, documents),
        "windows": _write_hashes(rows, window_hashes, documents),
    }


def check_separation(
    documents: Mapping[str, Path], windows: Mapping[str, Path], passages_removed: bool
) -> dict[str, Any]:
    """Prove that no document stands in two splits, and no token window in two that are held apart.

    Args:
        documents: hashes by the split's name ("generic/heldout", "sympy/test", …), the shards of one that has several
            each by its own ("generic/train/00000", …).
        windows: hashes by the same names.
        passages_removed: whether common passages were; if not, windows that stand in two splits are counted alone.

    Returns:
        For each split its windows and documents and how many of them are different ones; what is shared by two splits.

    Raises:
        UserError: two splits share a document, or a window that should have been removed.
    """
    splits, common = {}, Counter[tuple[str, str]]()
    for name, count, different, shared in _compared(documents):
        _refuse(shared, name, "document", documents)
        splits[name] = {"documents": count, "different_documents": different}
    for name, count, different, shared in _compared(windows):
        if passages_removed:
            apart = {other: number for other, number in shared.items() if held_apart(name, other)}
            _refuse(apart, name, "window", windows)
        for other, number in shared.items():
            common[_pair(split_of(name), split_of(other), list(map(split_of, windows)))] += number
        splits[name] |= {"windows": count, "different_windows": different}
    return {
        "passages_removed": passages_removed,
        "shared_documents": 0,
        "shared_windows": common.total(),
        "shared": [{"splits": list(pair), "windows": count} for pair, count in sorted(common.items())],
        "splits": {name: splits[name] for name in windows},
    }


def _compared(files: Mapping[str, Path]) -> Iterator[tuple[str, int, int, dict[str, int]]]:
    """Of every file its hashes, how many differ, and how many of these stand in each other split; shards come last."""
    shards = Counter(map(split_of, files))
    kept: dict[str, Array] = {}
    for name in sorted(files, key=lambda name: shards[split_of(name)] > 1):
        hashes = read_array(files[name])
        different = np.unique(hashes)
        counts = {other: len(np.intersect1d(different, found, assume_unique=True)) for other, found in kept.items()}
        yield name, len(hashes), len(different), {other: count for other, count in counts.items() if count}
        if shards[split_of(name)] == 1:
            kept[name] = different


def _refuse(shared: Mapping[str, int], name: str, what: str, hashes: Mapping[str, Path]) -> None:
    for other, count in shared.items():
        first, second = _pair(name, other, list(hashes))
        raise UserError(
            f"{count} {what}s of {first} stand in {second} too",
            where=read_json(f"{hashes[first]}.json")["origin"]["documents"],
            key="documents",
            remedy="delete the stores of both (tokens/) and run again: they were not made together",
        )


def _pair(name: str, other: str, order: Sequence[str]) -> tuple[str, str]:
    first, second = sorted((name, other), key=order.index)
    return first, second


def _write_hashes(digests: Iterable[bytes], output: Path, documents: Path) -> int:
    hashes = np.fromiter((int.from_bytes(digest, "little") for digest in digests), dtype=np.uint64)
    write_array(output, np.sort(hashes), documents=str(documents))
    return len(hashes)
