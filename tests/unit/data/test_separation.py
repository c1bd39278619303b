"""Documents and windows that stand in two splits cannot pass."""

from pathlib import Path

import numpy as np
import pytest

from speclm.data.separation import check_separation, hash_split
from speclm.data.windows import write_store
from speclm.stage.errors import UserError
from speclm.stage.files import write_documents


def _split(folder: Path, name: str, texts: list[str], tokens: np.ndarray) -> tuple[Path, Path]:
    """The hashes of its documents and of its windows."""
    documents, store = folder / f"{name}.jsonl.zst", folder / f"{name}.bin"
    hashes = folder / f"{name}.documents.npy", folder / f"{name}.windows.npy"
    write_documents(documents, ({"id": str(i), "text": text, "origin": ""} for i, text in enumerate(texts)))
    write_store([(tokens, 1, 1)], 4, 100, "t", store)
    facts = hash_split(documents, store, *hashes)
    assert facts == {"documents": len(texts), "windows": (len(tokens) - 1) // 4}
    return hashes


@pytest.mark.parametrize(
    ("texts", "tokens", "message"),
    [
        (["c"], np.arange(50, 70), None),
        (["A "], np.arange(50, 70), "1 documents of law/train stand in tax/test too"),
        (["c"], np.arange(4, 24), "4 windows of law/train stand in tax/test too"),
        (["c"], np.arange(5, 25), None),  # the same text at other places: windows differ
    ],
)
def test_shared_documents_and_windows_are_refused(
    tmp_path: Path, texts: list[str], tokens: np.ndarray, message: str | None
) -> None:
    train = _split(tmp_path, "train", ["a", "b", "b"], np.arange(21))
    test = _split(tmp_path, "test", texts, tokens)
    documents, windows = ({"law/train": train[kind], "tax/test": test[kind]} for kind in (0, 1))
    if message is None:
        facts = check_separation(documents, windows, True)
        assert facts["splits"]["law/train"] == {
            "documents": 3,
            "different_documents": 2,
            "windows": 5,
            "different_windows": 5,
        }
    else:
        with pytest.raises(UserError, match=message):
            check_separation(documents, windows, True)


@pytest.mark.parametrize("guilty", [0, 2])
def test_every_shard_is_compared_with_every_other_split_and_not_with_shards(tmp_path: Path, guilty: int) -> None:
    """All shards are the same; one shares a window with a split that stands after it."""
    files = {f"generic/train/0000{number}": (["a", "b"], np.arange(21)) for number in range(3)}
    files |= {"generic/heldout": (["c"], np.arange(21, 42)), "tax/test": (["d"], np.arange(42, 63))}
    paths = {name: _split(tmp_path, name.replace("/", "-"), *content) for name, content in files.items()}
    documents, windows = ({name: path[kind] for name, path in paths.items()} for kind in (0, 1))
    facts = check_separation(documents, windows, True)
    assert list(facts["splits"]) == list(files)
    assert facts["splits"]["generic/train/00002"]["windows"] == 5
    name = f"generic/train/0000{guilty}"
    _split(tmp_path, name.replace("/", "-"), ["a", "b"], np.arange(42, 63))
    with pytest.raises(UserError, match=f"5 windows of {name} stand in tax/test too") as caught:
        check_separation(documents, windows, True)
    assert str(tmp_path / f"{name.replace('/', '-')}.jsonl.zst") in str(caught.value)


def test_windows_may_be_shared_where_passages_were_kept_but_documents_may_not(tmp_path: Path) -> None:
    files = {
        "generic/train/00000": (["a"], np.arange(21)),
        "generic/train/00001": (["b"], np.arange(8, 29)),
        "tax/test": (["c"], np.arange(8, 29)),  # 3 windows of the first shard, 5 of the second
    }
    paths = {name: _split(tmp_path, name.replace("/", "-"), *content) for name, content in files.items()}
    documents, windows = ({name: path[kind] for name, path in paths.items()} for kind in (0, 1))
    facts = check_separation(documents, windows, False)
    assert facts["shared_windows"] == 8
    assert facts["shared"] == [{"splits": ["generic/train", "tax/test"], "windows": 8}]
    _split(tmp_path, "tax-test", ["b"], np.arange(8, 29))
    with pytest.raises(UserError, match="1 documents of generic/train/00001 stand in tax/test too"):
        check_separation(documents, windows, False)


def test_windows_that_are_not_held_apart_are_counted(tmp_path: Path) -> None:
    """Of two training texts, and of two domains' test texts."""
    names = ["law/train", "tax/train", "law/test", "tax/test"]
    tokens = [np.arange(21), np.arange(21), np.arange(40, 61), np.arange(40, 61)]
    paths = {
        name: _split(tmp_path, name.replace("/", "-"), [name], stream)
        for name, stream in zip(names, tokens, strict=True)
    }
    documents, windows = ({name: path[kind] for name, path in paths.items()} for kind in (0, 1))
    facts = check_separation(documents, windows, True)
    assert facts["shared"] == [
        {"splits": ["law/test", "tax/test"], "windows": 5},
        {"splits": ["law/train", "tax/train"], "windows": 5},
    ]
