"""A domain that joins a study makes way for the study's generic text, and its splits share nothing."""

from pathlib import Path

import pytest

from speclm.data.joining import compare_domain, join_domain
from speclm.data.splits import SplitSettings
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, read_json, write_documents

SETTINGS = SplitSettings(
    heldout_documents=4, valid_documents=30, test_documents=30, similarity=0.8, permutations=32, passage_words=10
)


def texts_of(name: str, count: int) -> list[str]:
    return [" ".join(f"{name}{i}x{j}" for j in range(30)) for i in range(count)]


def write(folder: Path, name: str, texts: list[str]) -> Path:
    path = folder / f"{name}.jsonl.zst"
    write_documents(path, ({"id": f"{name}{i}", "text": text, "origin": name} for i, text in enumerate(texts)))
    return path


def join(folder: Path, own: list[str], generic: list[str], shards: int = 1) -> dict[str, list[str]]:
    """Texts by split."""
    size = -(-len(generic) // shards)
    places = [write(folder, f"generic{i}", generic[size * i : size * i + size]) for i in range(shards)]
    documents, collisions = [write(folder, "own", own)], [path.with_suffix(".npy") for path in places]
    for place, output in zip(places, collisions, strict=True):
        compare_domain("own", documents, place, SETTINGS, 1, output, folder / "scratch")
    outputs = (folder / "splits", folder / "own/splits.json", folder / "scratch")
    join_domain("own", documents, {"generic/train": collisions}, SETTINGS, 1, *outputs)
    return {
        split: [row["text"] for row in read_documents(folder / f"splits/{split}.jsonl.zst")]
        for split in ("test", "valid", "train")
    }


def test_sizes_are_shares_of_a_small_domain(tmp_path: Path) -> None:
    own = texts_of("a", 50)
    splits = join(tmp_path, own, texts_of("g", 20))
    assert {split: len(texts) for split, texts in splits.items()} == {"test": 10, "valid": 5, "train": 35}
    assert sorted(text for texts in splits.values() for text in texts) == sorted(own)
    report = read_json(tmp_path / "own/splits.json")
    assert report["read"] == 50 and report["removed"] == []
    assert report["splits"]["own/test"]["documents"] == 10


def test_sizes_of_the_study_bound_those_of_a_large_one(tmp_path: Path) -> None:
    splits = join(tmp_path, texts_of("a", 400), texts_of("g", 20))
    assert {split: len(texts) for split, texts in splits.items()} == {"test": 30, "valid": 30, "train": 340}


@pytest.mark.parametrize("shards", [1, 3])
def test_what_the_generic_text_has_is_removed(tmp_path: Path, shards: int) -> None:
    own, generic = texts_of("a", 60), texts_of("g", 20)
    passage = " ".join(generic[5].split()[3:13])
    own[0], own[1], own[2] = generic[0].upper(), f"{own[1]} {passage}", own[3]
    splits = join(tmp_path, own, generic, shards)
    kept = [text for texts in splits.values() for text in texts]
    assert sorted(kept) == sorted(own[3:])
    removed = {
        (row["kept_in"], row["how"]): row["documents"] for row in read_json(tmp_path / "own/splits.json")["removed"]
    }
    assert removed == {("generic/train", "exact"): 1, ("generic/train", "passage"): 1, ("own", "exact"): 1}


def test_a_domain_wholly_contained_in_the_generic_text_is_refused(tmp_path: Path) -> None:
    own = texts_of("a", 30)
    with pytest.raises(UserError, match="all 30 documents stand in the generic text"):
        join(tmp_path, own, texts_of("g", 20) + own)
    assert not (tmp_path / "own/splits.json").exists()


def test_too_few_documents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"own has 19 different documents \(25 were read\), fewer than 20"):
        join(tmp_path, texts_of("a", 19) + texts_of("a", 6), texts_of("g", 20))


def test_boilerplate_that_leaves_nothing_to_train_on_is_named(tmp_path: Path) -> None:
    foot = " ".join(f"foot{j}" for j in range(10))
    with pytest.raises(UserError, match="nothing is left for the valid split: 32 documents share 10 words in a row"):
        join(tmp_path, [f"{text} {foot}" for text in texts_of("a", 40)], texts_of("g", 20))


PHRASE = "Все права защищены, копирование запрещено"  # noqa: RUF001 (5 words and a comma)


def test_a_stock_phrase_of_few_words_is_none_of_many_letters(tmp_path: Path) -> None:
    own = [f"{text} {PHRASE}" for text in texts_of("\u043f\u0438\u0441\u044c\u043c\u043e", 40)]
    splits = join(tmp_path, own, texts_of("g", 20))
    assert sum(map(len, splits.values())) == 40


def test_what_is_shared_is_told_in_characters_where_there_are_no_blanks(tmp_path: Path) -> None:
    own = [
        f"{''.join(chr(0x4E00 + 40 * i + j) for j in range(40))}{''.join(chr(0x3041 + j) for j in range(10))}"
        for i in range(40)
    ]
    with pytest.raises(UserError, match=r"documents share 10 characters in a row(.|\n)*documents\.passage_words"):
        join(tmp_path, own, texts_of("g", 20))
