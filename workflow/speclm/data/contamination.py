"""What two splits may not share, and how it is found.

Two texts collide, by their traces (see `traces`), when they are

    exact     equal up to case and white space;
    near      similar: the Jaccard similarity of their sets of five-word runs, by MinHash, reaches a threshold;
    passage   overlapping: they share one run of `passage_words` words, however long the texts are.

    "a b c d e f" and "a b c d e g"   five-word runs {abcde, bcdef} and {abcde, bcdeg}   similarity 1/3

Locality-sensitive hashing finds candidates for the second: texts whose sketches agree in one band of rows (as many of
each as the library datasketch takes). All that is looked up are sorted arrays: those of the texts that have a place are
written to disk, a folder for each place, and every job that compares with them maps or reads them there; passages range
by range, each once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from datasketch import MinHashLSH

from speclm.data.passages import range_starts
from speclm.data.traces import Traces
from speclm.stage.files import read_array, read_blocks, write_array, write_rows

Array = np.ndarray[Any, Any]
KINDS = ("exact", "near", "passage")  # the first that applies is told
NOTHING = len(KINDS)


@dataclass(frozen=True)
class Found:
    """What each of N texts collides with: by which of `KINDS` (or `NOTHING`), and the number of the place (or -1)."""

    kinds: Array
    places: Array

    def first(self, other: Found) -> Found:
        """Of two findings about the same texts that of the first kind, and this one where both are of one kind."""
        later_N = other.kinds < self.kinds
        return Found(np.where(later_N, other.kinds, self.kinds), np.where(later_N, other.places, self.places))

    def count(self, origin: str, places: Sequence[str]) -> Counter[tuple[str, str, str]]:
        """How many texts from `origin` collide, by (origin, place, kind)."""
        pairs = Counter(zip(self.kinds.tolist(), self.places.tolist(), strict=True))
        return Counter(
            {(origin, places[place], KINDS[kind]): n for (kind, place), n in pairs.items() if kind != NOTHING}
        )


def nothing_found(texts: int) -> Found:
    """Of texts that have been compared with none."""
    return Found(np.full(texts, NOTHING), np.full(texts, -1))


class PlacedTexts:
    """The texts that have a place so far; tells which of them other texts collide with.

    Args:
        folder: where what is looked up is kept, in a folder for each place.
    """

    def __init__(self, similarity: float, permutations: int, folder: Path) -> None:
        self._similarity, self._shape = similarity, _bands(similarity, permutations)
        self._folder = folder
        self._places: dict[str, _Index] = {}

    def add(self, place: str, traces: Traces) -> None:
        """Give texts their place."""
        _write_index(traces, self._shape, self._folder / place)
        self.open(place)

    def open(self, place: str) -> None:
        """Take in the texts that another job gave this place."""
        folder = self._folder / place
        arrays = {name: read_array(folder / f"{name}.npy") for name in _MAPPED}
        passages = read_array(folder / "passages.npy")
        sizes = np.diff([0, *range_starts(passages), len(passages)])
        self._places[place] = _Index(passages=folder / "passages.npy", ranges=sizes.tolist(), **arrays)

    @property
    def places(self) -> list[str]:
        """In the order in which they were given."""
        return list(self._places)

    def find(self, traces: Traces) -> Found:
        """What each text collides with: of several kinds the first, of several places the first."""
        hashes_BN = _hash_bands(traces.sketches, self._shape)
        overlapping = self._overlapping(traces)
        found = nothing_found(len(traces))
        for number, index in enumerate(self._places.values()):
            kinds_N = np.where(overlapping[number], 2, NOTHING)
            kinds_N[index.near(hashes_BN, traces.sketches, self._similarity)] = 1
            kinds_N[_among(traces.keys, index.keys)] = 0
            found = found.first(Found(kinds_N, np.full(len(traces), number)))
        return found

    def _overlapping(self, traces: Traces) -> Array:
        """Which texts share a passage with those of each place: bool (places, N)."""
        overlapping = np.zeros((len(self._places), len(traces)), dtype=bool)
        ranges = zip(*(read_blocks(index.passages, index.ranges) for index in self._places.values()), strict=True)
        for (hashes, texts), placed in zip(traces.passages, ranges, strict=bool(self._places)):
            for shared_N, values in zip(overlapping, placed, strict=True):
                shared_N[texts[_among(hashes, values)]] = True
        return overlapping


def find_repeats(keys_N: Array, sketches_NP: Array, similarity: float) -> Array:
    """For each text of a corpus by which of `KINDS` it collides with an earlier one that is kept, or `NOTHING`.

    Common passages are no harm within a corpus: licences and boilerplate are part of what a model meets.
    """
    bands, rows = _bands(similarity, sketches_NP.shape[1])
    equal_N = _groups(keys_N)
    groups_BN = np.stack([_groups(_hash_bands(sketches_NP, (1, rows), band)[0]) for band in range(bands)])
    kinds_N = np.full(len(keys_N), NOTHING)
    seen: set[int] = set()
    kept: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for number in np.flatnonzero((groups_BN >= 0).any(axis=0)).tolist():  # equal texts have equal sketches
        own = [(band, group) for band, group in enumerate(groups_BN[:, number].tolist()) if group >= 0]
        others = sorted({other for group in own for other in kept[group]})
        if int(equal_N[number]) in seen:
            kinds_N[number] = 0
        elif _similar(sketches_NP[number], sketches_NP[others], similarity):
            kinds_N[number] = 1
        else:
            seen |= {int(equal_N[number])} - {-1}
            for group in own:
                kept[group].append(number)
    return kinds_N


_MAPPED = ("keys", "bands", "order", "sketches")


@dataclass(frozen=True)
class _Index:
    """Of the M texts of a place, sorted.

    keys: S16 (M,). bands: uint64 (bands, M), each sorted by itself. order: whose these are, int32 (bands, M).
    sketches: uint32 (M, P), not sorted. passages: the file of uint64, all different, which may be larger than memory;
    ranges: how many of them lie in each range.
    """

    keys: Array
    bands: Array
    order: Array
    sketches: Array
    passages: Path
    ranges: list[int]

    def near(self, hashes_BN: Array, sketches_NP: Array, similarity: float) -> Array:
        """Which of N texts are similar to one of these: bool (N,)."""
        near_N = np.zeros(len(sketches_NP), dtype=bool)
        for sorted_M, order_M, hashes_N in zip(self.bands, self.order, hashes_BN, strict=True):
            first_N, last_N = (np.searchsorted(sorted_M, hashes_N, side) for side in ("left", "right"))
            for number in np.flatnonzero((last_N > first_N) & ~near_N):
                others = self.sketches[order_M[first_N[number] : last_N[number]]]
                near_N[number] = _similar(sketches_NP[number], others, similarity)
        return near_N


def _write_index(traces: Traces, shape: tuple[int, int], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    count = sum(len(np.unique(hashes)) for hashes, _ in traces.passages)  # a first time, for the file's header
    write_rows(folder / "passages.npy", count, (np.unique(hashes) for hashes, _ in traces.passages))
    hashes_BM = _hash_bands(traces.sketches, shape)
    order_BM = np.argsort(hashes_BM, axis=1)
    write_array(folder / "keys.npy", np.sort(traces.keys))
    write_array(folder / "bands.npy", np.take_along_axis(hashes_BM, order_BM, axis=1))
    write_array(folder / "order.npy", order_BM.astype(np.int32))
    write_array(folder / "sketches.npy", traces.sketches)


def _bands(similarity: float, permutations: int) -> tuple[int, int]:
    """Bands and rows of locality-sensitive hashing; where nothing is similar enough, one band finds equal sketches."""
    if similarity == inf:
        return 1, permutations
    try:
        index = MinHashLSH(threshold=similarity, num_perm=permutations)
    except ValueError:  # one band would do best, which datasketch does not take; two miss less
        return 2, permutations // 2
    return index.b, index.r


def _hash_bands(sketches_NP: Array, shape: tuple[int, int], first: int = 0) -> Array:
    """One hash for each band of rows from the `first` one on: uint64 (bands, N)."""
    bands, rows = shape
    hashes_BN = np.zeros((bands, len(sketches_NP)), dtype=np.uint64)
    for band, hashes_N in enumerate(hashes_BN, start=first):
        for row in range(band * rows, (band + 1) * rows):
            hashes_N *= np.uint64(0x9E3779B97F4A7C15)  # odd, so nothing is lost modulo 2^64
            hashes_N += sketches_NP[:, row]
            hashes_N ^= hashes_N >> np.uint64(29)
    return hashes_BN


def _groups(values_N: Array) -> Array:
    """A number for each value that stands several times, at all its places; -1 where a value stands once."""
    _, numbers_N, counts = np.unique(values_N, return_inverse=True, return_counts=True)
    groups_N: Array = np.where(counts[numbers_N] > 1, numbers_N, -1).astype(np.int32)
    return groups_N


def _among(values: Array, ordered: Array) -> Array:
    """Which of the values stand in the sorted array: bool."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    nearest = np.searchsorted(ordered, values).clip(max=len(ordered) - 1)
    among: Array = ordered[nearest] == values
    return among


def _similar(sketch_P: Array, others_MP: Array, similarity: float) -> bool:
    return len(others_MP) > 0 and bool((others_MP == sketch_P).mean(axis=1).max() >= similarity)
