"""Duplicates of every kind are found, among texts of any number of places."""

from pathlib import Path

import pytest

from speclm.data.contamination import KINDS, NOTHING, PlacedTexts, find_repeats
from speclm.data.traces import trace_texts


def words(start: int, stop: int) -> str:
    return " ".join(f"w{i}" for i in range(start, stop))


TEXT = words(0, 200)
OTHERS = {
    TEXT.upper().replace(" ", "\n"): "exact",
    words(0, 195) + " and five other words here": "near",
    words(180, 400): "passage",
    words(181, 400): None,
}


def collision(first: str, second: str, folder: Path) -> str | None:
    placed = PlacedTexts(0.8, 128, folder)
    placed.add("here", trace_texts([first], permutations=128, passage_words=20))
    found = placed.find(trace_texts([second], permutations=128, passage_words=20))
    (kind,) = found.kinds
    assert found.count("there", placed.places) == ({} if kind == NOTHING else {("there", "here", KINDS[kind]): 1})
    return None if kind == NOTHING else KINDS[kind]


@pytest.mark.parametrize(("other", "kind"), OTHERS.items())
def test_kinds_of_collision(other: str, kind: str | None, tmp_path: Path) -> None:
    assert collision(TEXT, other, tmp_path) == kind


@pytest.mark.parametrize(("similarity", "permutations"), [(0.99, 64), (0.97, 64), (0.9, 16), (0.01, 16)])
def test_every_similarity_that_a_config_may_ask_for_is_looked_for(
    similarity: float, permutations: int, tmp_path: Path
) -> None:
    placed = PlacedTexts(similarity, permutations, tmp_path)
    placed.add("here", first := trace_texts([TEXT], permutations, passage_words=500))
    swapped = words(100, 200) + " " + words(0, 100)  # the same runs of words, but for those at the seam
    second = trace_texts([swapped, words(300, 500)], permutations, passage_words=500)
    estimates = (first.sketches == second.sketches).mean(axis=1)
    near = [kind == KINDS.index("near") for kind in placed.find(second).kinds]
    assert near == (estimates >= similarity).tolist()


def test_within_a_corpus_passages_are_no_harm() -> None:
    """The last is like the one before it, and so are others like the first."""
    traces = trace_texts([TEXT, *OTHERS], permutations=128, passage_words=20)
    repeats = find_repeats(traces.keys, traces.sketches, 0.8)
    assert [KINDS[kind] if kind != NOTHING else None for kind in repeats] == [None, "exact", "near", None, "near"]


def test_a_text_that_is_gone_takes_no_other_with_it() -> None:
    """The second is like the first, the third like the second only: a chain does not remove its end."""
    chain = [words(0, 200), words(14, 214), words(28, 228)]
    traces = trace_texts(chain, permutations=512, passage_words=20)
    similar = [(traces.sketches[a] == traces.sketches[b]).mean() for a, b in ((0, 1), (1, 2), (0, 2))]
    assert similar[0] > 0.8 < similar[1] and similar[2] < 0.8
    assert find_repeats(traces.keys, traces.sketches, 0.8).tolist() == [NOTHING, 1, NOTHING]


def test_texts_too_short_for_shingles_collide_only_when_equal(tmp_path: Path) -> None:
    assert collision("a b", "A  b", tmp_path) == "exact"
    assert collision("a b", "a c", tmp_path) is None


def test_the_first_kind_and_then_the_first_place_is_told(tmp_path: Path) -> None:
    placed = PlacedTexts(0.8, 128, tmp_path)
    for place, text in (("one", words(190, 420)), ("two", words(170, 250)), ("three", TEXT), ("four", TEXT)):
        placed.add(place, trace_texts([text], 128, 20))
    found = placed.find(trace_texts([TEXT.upper(), words(185, 380), words(500, 600), words(195, 214)], 128, 20))
    assert found.count("x", placed.places) == {("x", "three", "exact"): 1, ("x", "one", "near"): 1}
    assert found.kinds.tolist() == [0, 1, NOTHING, NOTHING]
    again = PlacedTexts(0.8, 128, tmp_path)
    for place in ("two", "one"):
        again.open(place)
    assert again.find(trace_texts([words(192, 240)], 128, 20)).count("x", again.places) == {("x", "two", "passage"): 1}
