"""Texts about the same thing are near, vectors have length 1, and what cannot be fitted is refused."""

from pathlib import Path

import numpy as np
import pytest

from speclm.cluster.lsi import LsiSettings, fit_lsi, load_lsi, unit_rows
from speclm.stage.errors import UserError

TOPICS = ["graph node edge path tree cycle", "query table column join session engine"]
SETTINGS = LsiSettings(dimensions=4, words=50, fit_passages=60)


def texts() -> list[str]:
    generator = np.random.default_rng(1)
    return [" ".join(generator.choice(TOPICS[i % 2].split(), size=12)) for i in range(60)]


def test_topics_are_told_apart(tmp_path: Path) -> None:
    facts = fit_lsi(SETTINGS, texts(), tmp_path, 1, tmp_path)
    assert facts["passages"] == 60 and facts["words"] == 12 and 0 < facts["variance_kept"] <= 1
    graph, tree, query, unknown = load_lsi(tmp_path).embed(["graph node", "tree cycle path", "query table", "zzz 17"])
    assert graph @ tree > 0.9 > 0.2 > graph @ query
    assert [np.linalg.norm(v) for v in (graph, tree, query)] == pytest.approx([1, 1, 1], abs=1e-6)
    assert not unknown.any()


def test_rows_of_length_one() -> None:
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


def test_too_many_dimensions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"embedder\.dimensions: 12 dimensions from 60 passages with 12 words"):
        fit_lsi(LsiSettings(12, 50, 60), texts(), tmp_path, 1, tmp_path)


def test_text_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"embedder\.kind: no word stands in 20 passages of generic text"):
        fit_lsi(SETTINGS, 20 * ["+ - * = "], tmp_path, 1, tmp_path)
