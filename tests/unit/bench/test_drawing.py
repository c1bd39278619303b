"""Drawing by cluster from sparse stores: what is drawn, what is read, and the figures."""

from functools import partial

import numpy as np
import pytest

from speclm.bench.contest import Turn
from speclm.bench.drawing import (
    CLUSTERS,
    Store,
    draw_alone,
    figures_of,
    make_store,
    read_drawn,
    read_plain,
    target_of,
)
from speclm.cluster.importance import draw_windows
from speclm.cluster.index import open_index
from speclm.stage.streams import rng
from unit.bench.steps import do_steps


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("drawing") / "store", 3, 400_000, 32, 17)


def test_a_store_has_its_tokens_but_takes_no_room(store: Store) -> None:
    windows = store.open()
    assert windows.count == 3 * (399_999 // 32)
    assert windows.batch(np.array([0, windows.count - 1])).tolist() == [[0] * 33] * 2
    for path, tokens in ((store.tokens[0], 400_000), (store.whole, 1_200_000)):
        assert path.stat().st_size == 2 * tokens
        assert path.stat().st_blocks * 512 < tokens


def test_the_domain_is_drawn_from_all_shards(store: Store) -> None:
    index = open_index(store.indices, CLUSTERS)
    target_K = target_of(index, 17)
    assert target_K.sum() == pytest.approx(1)
    drawn = draw_windows(index, target_K, 5_000, rng(1, "draws"))
    assert drawn.min() >= 0 and drawn.max() < store.open().count
    assert (np.bincount(drawn // store.windows, minlength=3) > 1_000).all()


def test_everybody_does_steps(store: Store) -> None:
    for work in (
        partial(read_drawn, store, 17, 64, 8),
        partial(draw_alone, store, 17, 64),
        partial(read_plain, store, 8),
    ):
        do_steps(work, 20)


def test_figures_are_per_window() -> None:
    turns = {
        "ours": [Turn(80e-6, 9_000_000, 3_000_000)] * 3,
        "draws": [Turn(0.01, 9_000_000, 1_000_000)] * 3,
        "few": [Turn(0.002, 9_000_000, 1_000_000)] * 3,
        "plain": [Turn(40e-6, 9_000_000, 2_000_000)] * 3,
    }
    figures = figures_of(turns, {"ours": 8, "draws": 10_000, "few": 1_000, "plain": 8}, "1M")
    values = {name: figure.value for name, figure in figures.items() if figure}
    assert values == pytest.approx(
        {
            "drawing by cluster over plain sampling, 1M tokens: time": 2.0,
            "drawing by cluster over plain sampling, 1M tokens: memory of its own": 1.5,
            "drawing by cluster, 1M tokens: us per window": 10.0,
            "drawing by cluster, 1M tokens: us per window without reading": 1.0,
            "drawing by cluster, 1M tokens: the same, 1000 at a time": 2.0,
            "plain sampling, 1M tokens: us per window": 5.0,
            "drawing by cluster, 1M tokens: memory of its own, MB": 3.0,
        }
    )
