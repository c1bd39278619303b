"""Traces say what a text is made of, whatever other texts stand beside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.data.traces import Traces, blocks, hash_words, run_hashes, trace_texts, word_unit


def words(start: int, stop: int) -> str:
    return " ".join(f"w{i}" for i in range(start, stop))


def passages(traces: Traces) -> dict[int, list[int]]:
    """Those of each text that has any, in order."""
    found = dict[int, list[int]]()
    for hashes, texts in traces.passages:
        for value, text in zip(hashes.tolist(), texts.tolist(), strict=True):
            found.setdefault(text, []).append(value)
    return found


def test_what_counts_as_a_word() -> None:
    assert hash_words(["Abc_1 == (x)", "\u2588\u2588 caf\u00e9"])[1] == [5, 8]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("na\u00efve Stra\u00dfe", 2),
        ("\u043f\u043e-\u0440\u0443\u0441\u0441\u043a\u0438, \u0441\u043b\u043e\u0432\u043e", 5),
        ("Λόγος كلمة שָׁלוֹם 단어", 4),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e", 2),  # with marks that are no letters
        ("e\u0301te\u0301", 1),
        ("\u6771\u4eac\u30bf\u30ef\u30fc", 5),
        ("\u0e44\u0e17\u0e22", 3),
        ("\u4e2d\u6587abc\u4e2d", 4),
    ],
    ids=["latin", "cyrillic", "four scripts", "devanagari", "composed", "japanese", "thai", "mixed"],
)
def test_words_are_words_in_scripts_with_blanks_and_characters_in_others(text: str, words: int) -> None:
    assert hash_words([text])[1] == [words]


@given(st.text(st.characters(max_codepoint=127)))
def test_text_of_ascii_has_the_same_words_by_both_ways(text: str) -> None:
    """A text that is not ASCII is taken apart by another expression."""
    (alone, _), (beside, ends) = hash_words([text]), hash_words([f"{text} \u00e9"])
    assert len(alone) == ends[0] - 1 and np.array_equal(alone, beside[:-1])


def test_what_words_are_is_told() -> None:
    assert word_unit(["one two \u6771"]) == word_unit(["\u0441\u043b\u043e\u0432\u043e"]) == word_unit([]) == "words"
    assert word_unit(["\u6771\u4eac\u30bf\u30ef\u30fc is", "\u0e44\u0e17\u0e22"]) == "characters"


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join), min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_runs_hash_alike_exactly_when_their_words_are_alike(texts: list[str]) -> None:
    hashes, ends = hash_words(texts)
    flat = " ".join(texts).split()
    runs = run_hashes(hashes, 3)
    assert ends[-1] == len(flat)
    seen = {tuple(flat[i : i + 3]): value for i, value in enumerate(runs.tolist())}
    assert [seen[tuple(flat[i : i + 3])] for i in range(len(runs))] == runs.tolist()
    assert len(set(seen.values())) == len(seen)


def test_estimated_similarity_is_near_the_true_one() -> None:
    one, two = trace_texts([words(0, 504), words(250, 754)], permutations=512, passage_words=20).sketches
    # 500 shingles each, 250 of them shared: 250 / 750
    assert (one == two).mean() == pytest.approx(1 / 3, abs=0.07)


def test_traces_do_not_depend_on_the_other_texts() -> None:
    texts = [words(90, 99), words(0, 50), "x", words(10, 80)]
    among = trace_texts(texts, 64, 20, first=7)
    found = passages(among)
    assert [len(found.get(number, [])) for number in range(7, 11)] == [0, 31, 0, 51]
    for number, text in enumerate(texts):
        alone = trace_texts([text], 64, 20)
        assert alone.keys == among.keys[number] and np.array_equal(alone.sketches[0], among.sketches[number])
        assert passages(alone).get(0) == found.get(7 + number)
    assert len(trace_texts([], 64, 20)) == 0


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 12))
def test_blocks_hold_every_number_once_and_at_most_their_size(sizes: list[int], most: int) -> None:
    found = list(blocks(np.array(sizes, dtype=np.int64), most))
    assert [number for block in found for number in range(len(sizes))[block]] == list(range(len(sizes)))
    for block in found:
        assert sum(sizes[block]) <= most or block.stop - block.start == 1
