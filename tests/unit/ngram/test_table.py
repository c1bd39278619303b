"""What a table takes, and what is asked of it."""

import numpy as np

from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.table import entry_bytes


def test_the_example_of_the_module() -> None:
    assert entry_bytes(512, 3)[1] == 2 + 4 + 4 + 4


def test_bytes_are_those_of_the_entries_of_each_length() -> None:
    table = train_ngram(np.array([0, 1, 2, 0, 1, 3]), 4, order=3)
    bigrams, trigrams = 4, 4  # 01 12 20 13, 012 120 201 013
    assert table.ngrams == 4 + bigrams + trigrams
    assert table.bytes == 4 * 12 + bigrams * 14 + trigrams * 6
    assert entry_bytes(1 << 17, 5) == [12, 16, 16, 16, 8]
    assert entry_bytes(10, 1) == [12]
