"""What of texts is compared: a key of each whole text, a sketch of its five-word runs, and its long runs.

A text's words are its runs of letters and digits of any script, with the marks above and below them, and its runs of
ASCII marks. Of scripts without blanks (Chinese, Japanese, Thai, …), and of all else, each character is a word:

    "naïve == по-русски 東京"   ->   naïve, ==, по, -, русски, 東, 京

Of "a b c d e f", with passages of 5 words and P permutations:

    key        16 bytes, equal for texts equal up to case and white space
    sketch     P minima (MinHash) over the hashes of {abcde, bcdef}: two texts agree in a share of them that estimates
               the Jaccard similarity of their sets
    passages   the hashes of abcde and bcdef

Traces of many texts are a few arrays and their passages in ranges, which may lie on disk (`passages`); those of a text
do not depend on the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import regex
from datasketch import MinHash

from speclm.data.passages import Range, passages_in_memory
from speclm.data.text import same_text_key

Array = np.ndarray[Any, Any]
SHINGLE_WORDS = 5
KEY = np.dtype("S16")
_ASCII_WORDS = r"[a-z0-9_]+|[!-/:-@\[-^`{-~]+|\S"
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Line_Break=Complex_Context}]"  # scripts without blanks
_ANY_WORDS = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--{UNSPACED}]+|[!-/:-@\[-^`{{-~]+|[^\s\x1c-\x1f]\p{{M}}*"


@dataclass(frozen=True)
class Traces:
    """Of N texts, with P permutations.

    Attributes:
        keys: S16 (N,). sketches: uint32 (N, P).
        passages: in ranges; every text's are different ones.
    """

    keys: Array
    sketches: Array
    passages: Iterable[Range]

    def __len__(self) -> int:
        return len(self.keys)


def trace_texts(texts: Sequence[str], permutations: int, passage_words: float, first: int = 0) -> Traces:
    """The traces of these texts; with passages of infinitely many words, none has any.

    Args:
        first: the number of the first text.
    """
    hashes, ends = hash_words(texts)
    shingles, runs = run_hashes(hashes, SHINGLE_WORDS), run_hashes(hashes, passage_words)
    starts = [0, *ends][:-1]

    def parts(values: Array, words: float) -> Iterable[Array]:
        return (values[start : int(max(start, end - words + 1))] for start, end in zip(starts, ends, strict=True))

    # A text shorter than one shingle is compared by its words.
    sets = (
        (part if len(part) else hashes[start:end]) >> np.uint64(32)
        for part, start, end in zip(parts(shingles, SHINGLE_WORDS), starts, ends, strict=True)
    )
    sketches = MinHash.generator((values.tolist() for values in sets), num_perm=permutations, hashfunc=int)
    passages = [np.unique(part) for part in parts(runs, passage_words)]
    lengths = [len(part) for part in passages]
    return Traces(
        np.array([same_text_key(text) for text in texts], dtype=KEY),
        np.array([sketch.hashvalues for sketch in sketches], dtype=np.uint32).reshape(-1, permutations),
        passages_in_memory(np.concatenate([*passages, runs[:0]]), first + np.repeat(np.arange(len(texts)), lengths)),
    )


def hash_words(texts: Sequence[str]) -> tuple[Array, list[int]]:
    """The 64-bit hashes of all words of all texts, one after the other, and where each text ends."""
    ascii_words = re.compile(_ASCII_WORDS)
    any_words = regex.compile(_ANY_WORDS, flags=regex.VERSION1)
    numbers: dict[str, int] = {}
    words, ends = [], []
    for text in texts:
        pattern = ascii_words if text.isascii() else any_words  # the former finds the same, faster
        words += [numbers.setdefault(word, len(numbers)) for word in pattern.findall(text.casefold())]
        ends.append(len(words))
    digests = b"".join(blake2b(word.encode(), digest_size=8).digest() for word in numbers)
    return np.frombuffer(digests, dtype="<u8")[np.array(words, dtype=np.int64)], ends


def word_unit(texts: Sequence[str]) -> str:
    """What most words of the texts are: "words", or "characters" of a script without blanks."""
    pattern = regex.compile(UNSPACED, flags=regex.VERSION1)
    text = " ".join(texts)
    single = len(pattern.findall(text))
    return "characters" if single > len(pattern.sub(" ", text).split()) else "words"


def run_hashes(hashes: Array, words: float) -> Array:
    """The hash of the run of `words` words that begins at each position: uint64, len(hashes) - words + 1."""
    count = int(max(0, len(hashes) - words + 1))
    runs = np.zeros(count, dtype=np.uint64)
    for offset in range(int(words) if count else 0):
        runs *= np.uint64(0x9E3779B97F4A7C15)  # odd, so nothing is lost modulo 2^64
        runs += hashes[offset : offset + count]
        runs ^= runs >> np.uint64(29)
    return runs


def blocks(sizes_N: Array, most: int) -> Iterator[slice]:
    """Cut numbers 0..N-1 into runs of at most `most` in size, or of one number that is larger by itself.

    sizes 3 1 2 9 1, most 4   ->   0:2, 2:3, 3:4, 4:5
    """
    ends = np.cumsum(sizes_N)
    start = 0
    while start < len(ends):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield slice(start, stop)
        start = stop
