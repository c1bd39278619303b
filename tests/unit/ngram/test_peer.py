"""The stage: which tables are measured on what, that what is counted is what networks see, and that it repeats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from speclm.data.windows import Windows, open_windows, write_store
from speclm.ngram.kneser_ney import train_ngram
from speclm.ngram.peer import Peer, Text, first_tokens, save_tables
from speclm.ngram.pruning import prune
from speclm.stage.errors import UserError
from speclm.stage.files import read_json

VOCABULARY, CONTEXT, SMALL = 12, 4, 700
SIZES, SEEDS = [8, 40], [17, 18]


def store(path: Path, seed: int, documents: int) -> Windows:
    """Documents of a few tokens each that tend to follow one another."""
    rng = np.random.default_rng(seed)

    def texts() -> Iterator[tuple[Any, int, int]]:
        for _ in range(documents):
            length = int(rng.integers(4, 12))
            tokens = np.cumsum(rng.integers(0, 3, length)) % (VOCABULARY - 1) + 1
            yield np.concatenate([[0], tokens]), 3 * length, 3 * length

    write_store(texts(), CONTEXT, VOCABULARY, "a" * 64, path)
    return open_windows(path)


@pytest.fixture
def texts(tmp_path: Path) -> tuple[Windows, Windows, Text]:
    made = [store(tmp_path / f"{name}.bin", seed, 40) for seed, name in enumerate(("g", "h", "tr", "va", "te"))]
    return made[0], made[1], Text("mine", *made[2:])


def measure(texts: tuple[Windows, Windows, Text], output: Path) -> pd.DataFrame:
    generic, heldout, text = texts
    peer = Peer(np.asarray(generic.tokens), heldout, SMALL, SEEDS)
    save_tables(output / "tables", peer.measure(text, SIZES))
    peer.write(output)
    return pd.read_parquet(output / "documents.parquet")


def test_each_is_measured_before_and_after_each_size_once_for_each_seed(texts: Any, tmp_path: Path) -> None:
    table = measure(texts, tmp_path / "out")
    names = table[["method", "domain", "size"]].drop_duplicates().itertuples(index=False, name=None)
    both = [(method, *where) for method in ("ngram", "ngram_small") for where in (("generic", 0), ("mine", 0))]
    after = [(method, "mine", size) for method in ("ngram", "ngram_small", "ngram_domain") for size in SIZES]
    assert sorted(names) == sorted([*both, *after])
    first, second = (table[table["seed"] == seed].drop(columns="seed").reset_index(drop=True) for seed in SEEDS)
    pd.testing.assert_frame_equal(first, second)
    assert set(table["budget"]) == {0}
    totals = table[table["seed"] == 17].groupby(["method", "domain", "size"])[["tokens", "bytes"]].sum()
    heldout, text = texts[1], texts[2]
    assert set(totals.loc[pd.IndexSlice[:, "generic"], "tokens"]) == {len(heldout.tokens) - 1}
    assert set(totals.loc[pd.IndexSlice[:, "mine"], "bytes"]) == {int(text.test.bytes.sum())}


def test_numbers_are_those_of_the_tables(texts: Any, tmp_path: Path) -> None:
    generic, _, text = texts
    table = measure(texts, tmp_path / "out").query("seed == 17").groupby(["method", "domain", "size"])["nll"].sum()
    whole = train_ngram(np.asarray(generic.tokens), VOCABULARY)
    alone = train_ngram(np.asarray(text.train.tokens[: 40 + 1]), VOCABULARY)  # 10 windows, and their last target
    for name, made in (
        (("ngram", "mine", 0), whole),
        (("ngram_small", "mine", 0), prune(whole, SMALL)),
        (("ngram_domain", "mine", 40), alone),
    ):
        assert table[name] == pytest.approx(-np.log(made.probabilities(text.test.tokens)).sum())
    assert table["ngram", "mine", 40] < table["ngram_domain", "mine", 40]


def test_what_is_said_of_each(texts: Any, tmp_path: Path) -> None:
    measure(texts, tmp_path / "out")
    runs = pd.DataFrame(read_json(tmp_path / "out/runs.json")).set_index(["method", "domain", "size"]).sort_index()
    assert (runs.loc["ngram_small", "bytes"] <= SMALL).all() and (runs.loc["ngram", "bytes"] > SMALL).all()
    assert runs.loc[("ngram", "mine", 40), "domain_tokens"] == 41
    assert (
        runs.loc[("ngram", "mine", 0), "domain_tokens"] == 0 == runs.loc[("ngram_domain", "mine", 8), "generic_tokens"]
    )
    assert runs["weight"].between(0, 1).all()
    assert (runs.loc["ngram_small", "weight"] >= runs.loc["ngram", "weight"] - 1e-12).all()
    saved = {
        path.stem: read_json(path.with_suffix(".json"))["bytes"] for path in tmp_path.glob("out/tables/*.safetensors")
    }
    assert saved == {
        method: runs.loc[(method, "mine", 40), "bytes"] for method in ("ngram", "ngram_small", "ngram_domain")
    }


def test_equal_texts_give_equal_bytes(texts: Any, tmp_path: Path) -> None:
    for name in "ab":
        measure(texts, tmp_path / name)
    for path in sorted((tmp_path / "a").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path


def test_no_more_generic_tokens_are_read_than_asked_for(tmp_path: Path) -> None:
    paths = [tmp_path / f"{shard}.bin" for shard in range(3)]
    first, second = store(paths[0], 1, 5), store(paths[1], 2, 5)
    joined = np.concatenate([first.tokens, second.tokens])
    most = len(first.tokens) + 3
    assert first_tokens(paths, most).tolist() == joined[:most].tolist()  # the third is not there, and not asked for
    assert first_tokens(paths[:2], 10**9).tolist() == joined.tolist()


def test_a_domain_shorter_than_a_size_is_refused(texts: Any) -> None:
    generic, heldout, text = texts
    with pytest.raises(UserError, match="the split has"):
        Peer(np.asarray(generic.tokens), heldout, SMALL, SEEDS).measure(text, [10**6])
    with pytest.raises(UserError, match="no domain"):
        save_tables(Path("tables"), {})
