"""Passages are the text again; fitting twice gives the same bytes; a sample is drawn from all shards."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from speclm.cluster.embed import embed_windows, embedder_from_settings, fit_embedder, sample_texts
from speclm.cluster.lsi import LsiSettings
from speclm.cluster.passage import cut_passages, passage_texts, windows_path
from speclm.cluster.sentence_encoder import PACKAGE, SentenceEncoderSettings
from speclm.cluster.static import StaticSettings
from speclm.data.tokenizer import Tokenizer, TokenizerSettings, load_tokenizer, train_tokenizer
from speclm.data.windows import Windows, encode_split, open_windows
from speclm.stage.errors import UserError
from speclm.stage.files import read_array, write_documents
from speclm.stage.streams import rng

TOPICS = ["graph node edge path tree cycle", "query table column join session engine"]
PASSAGE = 24  # tokens
SETTINGS = LsiSettings(dimensions=4, words=50, fit_passages=60)


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


def test_texts_of_passages_are_the_documents_where_these_are_short(corpus: tuple[Windows, Tokenizer]) -> None:
    windows, tokenizer = corpus
    passages = cut_passages(windows, 10_000)
    found = [text for block in passage_texts(windows, passages, np.arange(passages.count), tokenizer) for text in block]
    starts = windows.documents.tolist()
    assert 100 < len(found) <= windows.count
    assert found == [list(texts())[starts.index(begin)] for begin in passages.begins.tolist()]


@pytest.mark.parametrize("settings", [SETTINGS, StaticSettings(4, 50, 60, PACKAGE)])
def test_fitting_and_embedding_twice_gives_the_same_bytes(
    corpus: tuple[Windows, Tokenizer], tmp_path: Path, settings: LsiSettings
) -> None:
    windows, tokenizer = corpus
    for run in ("one", "two"):
        fit_embedder(settings, windows, PASSAGE, tokenizer, 1, tmp_path / run)
        facts = embed_windows(tmp_path / run, windows, PASSAGE, (), tokenizer, "cpu", tmp_path / run / "train.npy")
    passages = cut_passages(windows, PASSAGE)
    assert facts == {"windows": windows.count, "passages": passages.count, "dimensions": 4, "empty": 0}
    files = sorted(path.name for path in (tmp_path / "one").iterdir() if not path.name.startswith("."))
    assert {"components.npy", "train.npy", "train.windows.npy"} < set(files)
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    vectors = read_array(tmp_path / "one" / "train.npy")
    assert vectors.shape == (passages.count, 4) and vectors.dtype == np.float32
    assert read_array(windows_path(tmp_path / "one" / "train.npy")).tolist() == passages.of_windows.tolist()


def test_a_sample_is_drawn_from_all_shards_alike(corpus: tuple[Windows, Tokenizer], tmp_path: Path) -> None:
    """Four shards, of 50 documents each."""
    tokenizer, shards = corpus[1], []
    for number in range(4):
        documents = [{"id": "", "text": text, "origin": ""} for text in list(texts())[50 * number : 50 * number + 50]]
        write_documents(tmp_path / "d.zst", documents)
        encode_split(tmp_path / "d.zst", tokenizer, 16, 1, tmp_path / f"{number}.bin")
        shards.append(tmp_path / f"{number}.bin")

    def sample(paths: list[Path], most: int) -> list[str]:
        return sample_texts(open_windows(paths), PASSAGE, most, tokenizer, rng(3, "sample"))

    every = [text for path in shards for text in sample([path], 10**6)]
    assert sample(shards, 10**6) == every
    drawn = np.sort(rng(3, "sample").permutation(len(every))[:30])
    assert sample(shards, 30) == [every[number] for number in drawn]


def test_settings_choose_the_embedder() -> None:
    """Keys of other kinds are passed over, as a configuration has those of all."""
    section = {"passage": 24, "dimensions": 4, "words": 50, "fit_passages": 60, "model": "m"}
    assert embedder_from_settings({"kind": "lsi", **section}, "x") == SETTINGS
    assert embedder_from_settings({"kind": "static", **section}, "x") == StaticSettings(4, 50, 60, "m")
    assert embedder_from_settings({"kind": "minilm", **section}, "x") == SentenceEncoderSettings("m")
    with pytest.raises(UserError, match='unknown kind "lsa"\nRemedy: one of lsi, static, minilm'):
        embedder_from_settings({**section, "kind": "lsa"}, "x")
    with pytest.raises(UserError, match=r"embedder\.words"):
        embedder_from_settings({"kind": "lsi", **section, "words": 0}, "x")
