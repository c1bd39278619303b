"""A corpus in shuffled order, with what of its texts is compared: on disk, so that memory does not grow with it.

    with open_pool([shard], rng(17, "split", "generic"), settings, scratch) as pool:
        free = free_texts(pool, distinct_texts(pool, removed), placed, removed)   # numbers in shuffled order
        write_documents(output, pool.documents(free))

The scratch folder takes about four times the text while the pool is open, and is gone afterwards.
"""

from __future__ import annotations

import json
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from speclm.data.passages import PassagesOnDisk, Range, write_passages
from speclm.data.traces import KEY, Traces, blocks, trace_texts
from speclm.stage.files import read_documents, unwritable

Array = np.ndarray[Any, Any]
_TRACED_TOGETHER = 1 << 19  # bytes of text, so many or one document: bounds memory, changes no result


@dataclass(frozen=True)
class Pool:
    """N documents in shuffled order, by number.

    Attributes:
        lines: the file of all documents. bounds: where each begins and ends in it, int64 (N, 2).
        keys, sketches: of their texts as in `Traces`, mapped from disk.
        passages: the folder of those.
        whole: whether these are all documents of the corpus.
    """

    lines: BinaryIO
    bounds: Array
    keys: Array
    sketches: Array
    passages: Path
    whole: bool

    def __len__(self) -> int:
        return len(self.keys)

    def traces(self, numbers: Array) -> Traces:
        """The traces of the texts with these ascending numbers."""
        return Traces(self.keys[numbers], self.sketches[numbers], PassagesOnDisk(self.passages, numbers))

    def documents(self, numbers: Array) -> Iterator[dict[str, Any]]:
        """The documents with these numbers, one at a time."""
        return _read(self.lines, self.bounds[numbers])


@contextmanager
def open_pool(
    documents: Sequence[Path],
    generator: np.random.Generator,
    permutations: int,
    passage_words: float,
    scratch: Path,
    first: int | None = None,
) -> Iterator[Pool]:
    """Shuffle the documents of these files and trace their texts.

    Args:
        first: how many of the shuffled order are wanted; None takes all.

    Raises:
        UserError: the disk has no room for the scratch folder.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            lines = stack.enter_context((scratch / "documents.jsonl").open("wb+"))
            bounds_N2 = _write(documents, lines)
            order = generator.permutation(len(bounds_N2))[:first]
            _trace(lines, bounds_N2[order], permutations, passage_words, scratch)
            yield Pool(
                lines,
                bounds_N2[order],
                keys=_mapped(scratch / "keys", KEY),
                sketches=_mapped(scratch / "sketches", np.dtype(np.uint32)).reshape(-1, permutations),
                passages=scratch / "passages",
                whole=len(order) == len(bounds_N2),
            )
    except OSError as error:
        if error.filename is None or scratch in Path(str(error.filename)).parents:
            raise unwritable(scratch, error) from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(documents: Sequence[Path], lines: BinaryIO) -> Array:
    """Write all documents as lines; where each begins and ends: int64 (N, 2)."""
    ends = array("q", [0])
    for path in documents:
        for document in read_documents(path):
            ends.append(ends[-1] + lines.write(json.dumps(document, ensure_ascii=False).encode()))
    bounds = np.array(ends)
    return np.stack([bounds[:-1], bounds[1:]], axis=1)


def _read(lines: BinaryIO, bounds: Array) -> Iterator[dict[str, Any]]:
    for start, stop in bounds.tolist():
        lines.seek(start)
        yield json.loads(lines.read(stop - start))


def _trace(lines: BinaryIO, bounds_N2: Array, permutations: int, passage_words: float, scratch: Path) -> None:
    """Trace the texts block by block, into files of keys, of sketches and of passages."""

    def passages() -> Iterator[Iterable[Range]]:
        for block in blocks(bounds_N2[:, 1] - bounds_N2[:, 0], _TRACED_TOGETHER):
            texts = [document["text"] for document in _read(lines, bounds_N2[block])]
            traces = trace_texts(texts, permutations, passage_words, first=block.start)
            keys.write(traces.keys.tobytes())
            sketches.write(traces.sketches.tobytes())
            yield traces.passages

    with (scratch / "keys").open("wb") as keys, (scratch / "sketches").open("wb") as sketches:
        write_passages(passages(), scratch / "passages")


def _mapped(path: Path, kind: np.dtype[Any]) -> Array:
    """The array that a file holds; nothing cannot be mapped."""
    return np.asarray(np.memmap(path, dtype=kind, mode="r")) if path.stat().st_size else np.empty(0, dtype=kind)
