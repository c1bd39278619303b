"""Bytes are counted while a split is encoded, and their share is over all its stores."""

from pathlib import Path

import pytest

from speclm.data.single_bytes import byte_share
from speclm.data.tokenizer import Tokenizer
from speclm.data.windows import encode_split
from speclm.stage.files import write_documents


def test_share_of_bytes(documents: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A Cyrillic letter is two bytes and no piece; known words have none."""
    for name, text, share in (("known", "the window of the store " * 30, 0.0), ("foreign", "Ж" * 300, 600 / 601)):
        write_documents(tmp_path / f"{name}.zst", [{"text": text}])
        facts = encode_split(tmp_path / f"{name}.zst", tokenizer, 16, 1, tmp_path / f"{name}.bin")
        assert byte_share([facts]) == pytest.approx(share)


def test_share_of_bytes_over_shards() -> None:
    assert byte_share([{"single_bytes": 10, "tokens": 40}, {"single_bytes": 0, "tokens": 60}]) == 0.1
