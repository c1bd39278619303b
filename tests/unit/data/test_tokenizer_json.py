"""tokenizer.json makes of every text the tokens that sentencepiece makes, and gives the text back."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from speclm.data.text import clean
from speclm.data.tokenizer import BOS_ID, Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.data.tokenizer_json import tokenizer_config, tokenizer_json


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, documents: Path) -> Tokenizer:
    path = tmp_path_factory.mktemp(request.param) / "tokenizer.model"
    settings = TokenizerSettings(vocabulary=320, model=request.param, characters=20_000, line_characters=200, threads=1)
    train_tokenizer([documents], settings, path)
    return load_tokenizer(path)


@pytest.fixture(scope="module")
def other(trained: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("other") / "tokenizer.json"
    path.write_text(json.dumps(tokenizer_json(trained)))
    return PreTrainedTokenizerFast(tokenizer_file=str(path)).backend_tokenizer


WORDS = st.sampled_from(
    ["the ", "window", "number", " of", "store\n", "  ", "hold", "tokens,", "café", "漢", "\t", "12"]
)


@given(pieces=st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=30))
def test_tokens_and_text_are_the_same(trained: Tokenizer, other: Any, pieces: list[str]) -> None:
    text = clean("".join(pieces)).replace("▁", "_")  # sentencepiece's own sign for a blank
    expected = [BOS_ID, *trained.encode([text], threads=1)[0]]
    assert other.encode(text).ids == expected
    assert other.decode(expected) == text


def test_every_piece_has_its_number(trained: Tokenizer, other: Any) -> None:
    assert other.get_vocab_size() == trained.vocabulary
    for number in range(trained.vocabulary):
        assert other.id_to_token(number) == trained.processor.id_to_piece(number)


def test_its_config_names_what_begins_a_text(trained: Tokenizer) -> None:
    config = tokenizer_config(trained, 128)
    assert (config["bos_token"], config["model_max_length"]) == ("<s>", 128)
