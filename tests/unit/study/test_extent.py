"""Splits are as large as documents of one length make them."""

from dataclasses import replace

import pytest

from speclm.study.extent import Corpus, bytes_per_token
from unit.study.test_work import CONFIG, STUDY


def test_a_token_takes_more_bytes_the_larger_the_vocabulary() -> None:
    assert [bytes_per_token(size) for size in (512, 2048, 32_000)] == pytest.approx([1.75, 2.78, 4.8])
    assert bytes_per_token(1024) == pytest.approx((1.75 + 2.78) / 2)


def test_what_is_held_out_is_not_trained_on_and_shards_are_of_one_size() -> None:
    documents = CONFIG["documents"]
    corpora = {**STUDY.corpora, "web": Corpus(110, 110 * 35, shards=4)}
    study = replace(STUDY, corpora=corpora)
    trained = (110 - documents["heldout"]) * 35
    assert study.text("generic", "heldout") == documents["heldout"] * 35
    assert study.text("generic", "train") == trained
    assert study.text("generic", "train/00002") == trained // 4
    assert study.windows("generic", "train") == study.tokens("generic", "train") // CONFIG["context"]
