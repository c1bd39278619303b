"""The tokenizer loses nothing, repeats, and reads no more text than its budget."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speclm.data.text import clean
from speclm.data.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.stage.errors import UserError
from speclm.stage.files import read_documents, write_documents

SETTINGS = TokenizerSettings(vocabulary=320, model="bpe", characters=20_000, line_characters=200, threads=1)


@given(text=st.text().map(clean).filter(lambda text: "\u2581" not in text))
@settings(deadline=None)
def test_every_clean_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode([text], 1), 1) == [text]


def test_indentation_and_newlines_come_back(tokenizer: Tokenizer) -> None:
    text = "  a\n\n    b   c \n"
    assert tokenizer.decode(tokenizer.encode([text], 1), 1) == [text]


def test_special_pieces_decode_to_nothing(tokenizer: Tokenizer) -> None:
    assert tokenizer.processor.bos_id() == 1
    assert tokenizer.decode([[1, *tokenizer.encode(["store"], 1)[0]]], 1) == ["store"]


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_training_twice_gives_one_vocabulary_wherever_it_is_written(
    documents: Path, tmp_path: Path, model: str
) -> None:
    chosen = TokenizerSettings(**{**asdict(SETTINGS), "model": model})
    first = train_tokenizer([documents], chosen, tmp_path / "a" / "one.model")
    second = train_tokenizer([documents], chosen, tmp_path / "another" / "folder" / "two.model")
    assert first == second
    other = train_tokenizer([documents], replace(chosen, vocabulary=330), tmp_path / "three.model")
    assert other["vocabulary_sha256"] != first["vocabulary_sha256"]


def test_the_character_budget_bounds_what_is_read(documents: Path, tmp_path: Path) -> None:
    facts = train_tokenizer([documents], replace(SETTINGS, characters=5_000), tmp_path / "a.model")
    assert 5_000 <= facts["characters"] < 5_000 + SETTINGS.line_characters


def test_long_lines_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl.zst"
    write_documents(path, [{"id": "0", "text": "some words of one line " * 500, "origin": ""}])
    facts = train_tokenizer([path], replace(SETTINGS, vocabulary=280), tmp_path / "a.model")
    assert facts["lines"] == -(-23 * 500 // SETTINGS.line_characters)


def test_a_vocabulary_that_cannot_be_made_is_refused(documents: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokenizer\.vocabulary: no 90000 pieces can be made from \d+ characters"):
        train_tokenizer([documents], replace(SETTINGS, vocabulary=90_000), tmp_path / "a.model")
    assert not list(tmp_path.iterdir())


def test_shards_are_read_in_order_until_the_budget_is_spent(documents: Path, tmp_path: Path) -> None:
    whole = list(read_documents(documents))
    shards = [tmp_path / f"{number}.zst" for number in range(3)]
    for shard, part in zip(shards, (whole[:100], whole[100:170], whole[170:]), strict=True):
        write_documents(shard, part)
    for characters in (5_000, 8_000, 10**6):
        settings = replace(SETTINGS, vocabulary=300, characters=characters)
        one = train_tokenizer([documents], settings, tmp_path / "one.model")
        assert train_tokenizer(shards, settings, tmp_path / "three.model") == one


def test_a_damaged_model_is_refused(documents: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    train_tokenizer([documents], SETTINGS, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="is damaged"):
        load_tokenizer(path)


@pytest.mark.parametrize("key", ["vocabulary", "characters", "line_characters", "threads"])
def test_settings_below_one_are_refused(key: str) -> None:
    with pytest.raises(UserError, match=f"tokenizer.{key}"):
        replace(SETTINGS, **{key: 0})
