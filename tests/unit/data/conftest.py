"""A small trained tokenizer for the tests of this room."""

from pathlib import Path

import pytest

from speclm.data.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.stage.files import write_documents

SETTINGS = TokenizerSettings(vocabulary=320, model="bpe", characters=20_000, line_characters=200, threads=1)


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("documents") / "train.jsonl.zst"
    lines = [f"the window number {i} of the store\n    holds {i * i} tokens, caf\u00e9" for i in range(300)]
    write_documents(path, ({"id": str(i), "text": line, "origin": "x"} for i, line in enumerate(lines)))
    return path


@pytest.fixture(scope="session")
def tokenizer(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    train_tokenizer([documents], SETTINGS, path)
    return load_tokenizer(path)
