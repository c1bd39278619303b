from __future__ import annotations

import numpy as np
import pytest
import torch

from speclm.model.size import ModelSize
from speclm.train.evaluate import document_losses
from speclm.train.score import mean_nll, plain_score, routed_score
from unit.train.studies import drawn

CPU = torch.device("cpu")


def test_mean_of_whole_windows(store, size: ModelSize) -> None:
    windows, score = store("text"), plain_score(size, drawn(size, 0), CPU)
    indices = np.arange(7)
    expected = float(score(torch.from_numpy(windows.batch(indices)), indices).mean())
    assert mean_nll(score, windows, indices, 3, CPU) == pytest.approx(expected, rel=1e-5)


def test_windows_go_to_their_clusters_expert(store, size: ModelSize) -> None:
    windows = store("text")
    clusters = (np.arange(windows.count) % 3).astype(np.int32)
    experts = [drawn(size, seed) for seed in range(3)]
    routed = routed_score(size, experts, clusters, CPU)
    indices = np.array([4, 0, 5])
    tokens_BL = torch.from_numpy(windows.batch(indices))
    nll_BT = routed(tokens_BL, indices)
    for row, expert in enumerate((1, 0, 2)):
        alone = plain_score(size, experts[expert], CPU)(tokens_BL[row : row + 1], indices[:1])
        assert torch.allclose(nll_BT[row : row + 1], alone, rtol=1e-5)
    assert document_losses(routed, windows, 4, CPU)["tokens"].sum() == len(windows.tokens) - 1
