"""Duplicates of every kind are found, and shared windows cannot pass."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.data.contamination import PlacedTexts, check_separation, hash_words, run_hashes, trace_texts
from speclm.data.windows import write_store
from speclm.stage.errors import UserError
from speclm.stage.files import write_documents


def words(start: int, stop: int) -> str:
    return " ".join(f"w{i}" for i in range(start, stop))


def collision(first: str, second: str, passages: bool) -> str | None:
    placed = PlacedTexts(similarity=0.8, permutations=128)
    one, two = trace_texts([first, second], permutations=128, passage_words=20)
    placed.add("here", [one], passages=passages)
    found = placed.find(two)
    assert found is None or found[0] == "here"
    return found and found[1]


def test_kinds_of_collision() -> None:
    text = words(0, 200)
    assert collision(text, text.upper().replace(" ", "\n"), True) == "exact"
    assert collision(text, words(0, 195) + " and five other words here", True) == "near"
    assert collision(text, words(180, 400), True) == "passage"
    assert collision(text, words(181, 400), True) is None
    assert collision(text, words(180, 400), False) is None


def test_what_counts_as_a_word() -> None:
    assert hash_words(["Abc_1 == (x)", "\u2588\u2588 caf\u00e9"])[1] == [5, 9]


def test_texts_too_short_for_shingles_collide_only_when_equal() -> None:
    assert collision("a b", "A  b", True) == "exact"
    assert collision("a b", "a c", True) is None


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
    one, two = trace_texts([words(0, 504), words(250, 754)], permutations=512, passage_words=20)
    # 500 shingles each, 250 of them shared: 250 / 750
    assert one.sketch.jaccard(two.sketch) == pytest.approx(1 / 3, abs=0.07)


def test_traces_do_not_depend_on_the_other_texts() -> None:
    alone = trace_texts([words(0, 50)], 64, 20)[0]
    among = trace_texts([words(90, 99), words(0, 50), "x"], 64, 20)[1]
    assert np.array_equal(alone.passages, among.passages)
    assert alone.sketch.jaccard(among.sketch) == 1.0


def _split(folder: Path, name: str, texts: list[str], tokens: np.ndarray) -> tuple[Path, Path]:
    documents, store = folder / f"{name}.jsonl.zst", folder / f"{name}.bin"
    write_documents(documents, ({"id": str(i), "text": text, "origin": ""} for i, text in enumerate(texts)))
    write_store([(tokens, 1, 1)], 4, 100, "t", store)
    return documents, store


@pytest.mark.parametrize(
    ("texts", "tokens", "message"),
    [
        (["c"], np.arange(50, 70), None),
        (["A "], np.arange(50, 70), "1 documents of train stand in test too"),
        (["c"], np.arange(4, 24), "4 windows of train stand in test too"),
        (["c"], np.arange(5, 25), None),  # the same text at other places: windows differ
    ],
)
def test_shared_documents_and_windows_are_refused(
    tmp_path: Path, texts: list[str], tokens: np.ndarray, message: str | None
) -> None:
    train = _split(tmp_path, "train", ["a", "b", "b"], np.arange(21))
    test = _split(tmp_path, "test", texts, tokens)
    stores, documents = {"train": train[1], "test": test[1]}, {"train": train[0], "test": test[0]}
    if message is None:
        facts = check_separation(stores, documents)
        assert facts["splits"]["train"] == {
            "documents": 3,
            "different_documents": 2,
            "windows": 5,
            "different_windows": 5,
        }
    else:
        with pytest.raises(UserError, match=message):
            check_separation(stores, documents)
