"""Static vectors against their definition, with a made-up encoder; and what the real one adds to counting words."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from speclm.cluster import static
from speclm.cluster.lsi import load_lsi
from speclm.cluster.sentence_encoder import PACKAGE
from speclm.cluster.static import StaticSettings, fit_static
from speclm.stage.errors import UserError

WORDS = ["graph", "node", "edge", "path", "tree", "cycle", "query", "table", "column", "join", "session", "engine"]


class MadeUp:
    """An encoder of six numbers a word, drawn once."""

    def __init__(self, model: str, device: str) -> None:
        assert (model, device) == ("made up", "cpu")

    def embed(self, words: list[str]) -> np.ndarray:
        return np.random.default_rng(len(words)).normal(size=(len(words), 6)).astype(np.float32) + 5


def texts(count: int) -> list[str]:
    generator = np.random.default_rng(2)
    return ["17 +", *(" ".join(generator.choice(WORDS, size=5)) for _ in range(count))]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "SentenceEncoder", MadeUp)


def test_a_text_is_the_weighted_mean_of_its_words_less_the_mean_of_all_passages(made_up: None, tmp_path: Path) -> None:
    """With every dimension kept PCA turns vectors only: their angles stay."""
    passages = texts(40)
    facts = fit_static(StaticSettings(6, 50, 41, "made up"), passages, tmp_path, tmp_path)
    assert facts == {"passages": 41, "words": 12, "variance_kept": 1.0}
    vectorizer = TfidfVectorizer(token_pattern="[a-z]+", sublinear_tf=True)
    weights = vectorizer.fit_transform(passages).toarray()
    vectors = MadeUp("made up", "cpu").embed(vectorizer.get_feature_names_out().tolist())
    means = weights[1:] @ vectors / weights[1:].sum(axis=1, keepdims=True)  # the first has no word
    centred = means - means.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    nothing, *found = load_lsi(tmp_path).embed(passages)
    assert not nothing.any()
    np.testing.assert_allclose(np.array(found) @ np.array(found).T, centred @ centred.T, atol=1e-4)


def test_fewer_dimensions_are_the_leading_components(made_up: None, tmp_path: Path) -> None:
    kept = [
        fit_static(StaticSettings(dimensions, 50, 41, "made up"), texts(40), tmp_path, tmp_path)["variance_kept"]
        for dimensions in (1, 3, 5)
    ]
    assert 1 / 6 < kept[0] < kept[1] < kept[2] < 1


def test_more_dimensions_than_the_encoder_has_are_refused(made_up: None, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"embedder\.dimensions: 7 dimensions from vectors of 6\nRemedy: take at most 6"
    ):
        fit_static(StaticSettings(7, 50, 41, "made up"), texts(40), tmp_path, tmp_path)


def test_words_that_never_meet_are_near_where_they_mean_the_same(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    groups = [
        ("cat", "dog", "horse"),
        ("kitten", "puppy", "pony"),
        ("tax", "income", "fee"),
        ("money", "salary", "price"),
    ]
    passages = [" ".join(generator.choice(groups[i % 4], size=3)) for i in range(80)]
    fit_static(StaticSettings(8, 50, 80, PACKAGE), passages, tmp_path, tmp_path)
    animals, young, dues, pay = load_lsi(tmp_path).embed([" ".join(group) for group in groups])
    assert min(animals @ young, dues @ pay) > max(animals @ dues, animals @ pay, young @ dues, young @ pay) + 0.5
