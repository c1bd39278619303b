"""Static vectors against their definition, with a made-up encoder; and what the real one adds to counting words."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from speclm.cluster import static
from speclm.cluster.lsi import load_lsi, unit_rows
from speclm.cluster.sentence_encoder import PACKAGE
from speclm.cluster.static import StaticSettings, fit_static
from speclm.stage.errors import UserError

WORDS = ["graph", "node", "edge", "path", "tree", "cycle", "query", "table", "column", "join", "session", "engine"]


STRETCH = np.array([8, 4, 2, 1, 0.5, 0.25])


class MadeUp:
    """An encoder of six numbers: a word's are drawn by its letters, a text's are the mean of its words', stretched."""

    def __init__(self, model: str, device: str) -> None:
        assert (model, device) == ("made up", "cpu")

    def embed(self, texts: list[str]) -> np.ndarray:
        found = np.stack([np.mean([word_vector(word) for word in text.split()], axis=0) for text in texts])
        return (found if len(texts[0].split()) == 1 else found * STRETCH).astype(np.float32)


def word_vector(word: str) -> np.ndarray:
    return np.random.default_rng([ord(letter) for letter in word]).normal(size=6) + 5


def texts(count: int) -> list[str]:
    generator = np.random.default_rng(2)
    return ["17 +", *(" ".join(generator.choice(WORDS, size=5)) for _ in range(count))]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "SentenceEncoder", MadeUp)


def test_a_text_is_the_mean_of_its_words_turned_towards_the_encoder(made_up: None, tmp_path: Path) -> None:
    """With every dimension kept PCA turns vectors only: their angles stay. The first passage has no word."""
    passages = texts(40)
    facts = fit_static(StaticSettings(6, 50, 41, "made up"), passages, tmp_path, tmp_path)
    assert facts == {"passages": 41, "taught": 40, "words": 12, "variance_kept": 1.0}
    vectorizer = TfidfVectorizer(token_pattern="[a-z]+", sublinear_tf=True)
    weights = vectorizer.fit_transform(passages).toarray()[1:]
    vectors = np.stack([word_vector(word) for word in vectorizer.get_feature_names_out()])
    means = weights @ vectors / weights.sum(axis=1, keepdims=True)
    centred = unit_rows(means - means.mean(axis=0)).astype(float)
    encoded = MadeUp("made up", "cpu").embed(passages[1:]).astype(float)
    a, y = centred - centred.mean(axis=0), encoded - encoded.mean(axis=0)
    matrix = np.linalg.solve(a.T @ a + np.eye(6), a.T @ y)
    turned = unit_rows(centred @ matrix)
    nothing, *found = load_lsi(tmp_path).embed(passages)
    assert not nothing.any()
    np.testing.assert_allclose(np.array(found) @ np.array(found).T, turned @ turned.T, atol=1e-3)


def test_texts_come_near_to_what_the_encoder_makes_of_them(made_up: None, tmp_path: Path) -> None:
    """By passages that it was not taught with; plain means of words are not stretched."""
    passages, others = texts(300), texts(400)[301:]
    fit_static(StaticSettings(6, 50, 301, "made up"), passages, tmp_path, tmp_path)
    means = np.stack([np.mean([word_vector(word) for word in text.split()], axis=0) for text in others])
    cosines = [
        (vectors @ vectors.T).ravel()
        for vectors in (
            unit_rows(means * STRETCH - (means * STRETCH).mean(axis=0)),
            load_lsi(tmp_path).embed(others),
            unit_rows(means - means.mean(axis=0)),
        )
    ]
    (_, taught, untaught), *_ = np.corrcoef(cosines)
    assert taught > 0.95 > 0.9 > untaught


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
