"""What a user can get wrong ends with a clear error, a non-zero exit, and nothing that a later run would trust."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from e2e.conftest import Clone, copy_run


@pytest.fixture(scope="module")
def spare(smoke: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A copy of the finished run that may be damaged."""
    return copy_run(smoke, tmp_path_factory.mktemp("spare"))


def refusal(clone: Clone, target: str, change: dict[str, Any] | None = None, rule: str | None = None) -> str:
    """What Snakemake says when it fails to make `target`, alone by `rule` where one is named."""
    only = ["--force", "--allowed-rules", rule] if rule else []
    ended = clone.snakemake(target, *only, change=change, check=False)
    assert ended.returncode != 0
    assert "Remedy: " in ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def own_domain(clone: Clone, text: bytes) -> dict[str, Any]:
    """Make `text` the documents of a domain of the user's own; the change of the configuration that takes it."""
    source = clone.folder / "mine.jsonl"
    source.write_bytes(text)
    with (clone.folder / "config/datasets.tsv").open("a") as table:
        table.write(f"mine\tfiles\t{source}\t-\ttext\t-\tCC0-1.0\tmade by a test\t-\n")
    with (clone.folder / "config/domains.tsv").open("a") as table:
        table.write("mine\tmine\tmine\n")
    return {"domains": ["sqlalchemy", "mine"], "run": "bad"}


def test_too_few_documents_for_the_splits(new_clone: Callable[[], Clone]) -> None:
    clone = new_clone()
    words = [" ".join(f"word{number}x{i}" for i in range(100)) for number in range(5)]
    change = own_domain(clone, "".join(f'{{"text": "{text}"}}\n' for text in words).encode())
    said = refusal(clone, "results/bad/splits/report.json", change)
    assert "mine has 5 documents left for its test split" in said
    assert "documents.test" in said
    assert not (clone.folder / "results/bad/splits/report.json").exists()


@pytest.mark.parametrize(
    "text",
    [b"", b'{"text": "fine"}\n{"text": "\xff\xfe"}\n', b'{"words": "no text here"}\n'],
    ids=["empty", "invalid UTF-8", "no such field"],
)
def test_unreadable_documents(new_clone: Callable[[], Clone], text: bytes) -> None:
    clone = new_clone()
    said = refusal(clone, "results/bad/documents/mine/00000.jsonl.zst", own_domain(clone, text))
    assert "mine.jsonl" in said
    assert not (clone.folder / "results/bad/documents/mine/00000.jsonl.zst").exists()


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: b"\0" + data[1:]], ids=["cut", "changed"])
def test_a_damaged_store_is_refused(spare: Clone, damage: Callable[[bytes], bytes]) -> None:
    store = spare.results / "tokens/sqlalchemy/test.bin"
    whole = store.read_bytes()
    store.write_bytes(damage(whole))
    target = "results/smoke/evaluate/slm/sqlalchemy/seed17/documents.parquet"
    said = refusal(spare, target, rule="evaluate_domain")
    store.write_bytes(whole)
    assert "tokens/sqlalchemy/test.bin" in said
    assert not (spare.folder / target).exists()


def test_a_tokenizer_that_does_not_match_the_store_is_refused(spare: Clone) -> None:
    spare.snakemake("results/odd/tokenizer/tokenizer.model", change={"run": "odd", "tokenizer": {"vocabulary": 400}})
    for name in ("tokenizer.model", "tokenizer.json"):
        shutil.copy(spare.results / "tokenizer" / name, spare.folder / name)
        shutil.copy(spare.folder / "results/odd/tokenizer" / name, spare.results / "tokenizer" / name)
    said = refusal(spare, "results/smoke/embeddings/main/sqlalchemy/train.npy", rule="embed_split")
    for name in ("tokenizer.model", "tokenizer.json"):
        shutil.copy(spare.folder / name, spare.results / "tokenizer" / name)
    assert "tokens/sqlalchemy/train.bin" in said


def test_a_size_that_the_domain_does_not_have(spare: Clone) -> None:
    target = "results/smoke/specialize/slm/networkx/seed17/runs.json"
    change = {"specialize": {"sizes": [1000, 8000, 90000000]}}
    said = refusal(spare, target, change, rule="specialize_model")
    assert "90000000 tokens asked for" in said
    assert "specialize.sizes" in said


def test_more_clusters_than_windows(spare: Clone) -> None:
    change = {"clusters": {"k": [4, 8, 16, 9000000]}}
    said = refusal(spare, "results/smoke/clusters/main/k9000000/centroids.npy", change, rule="fit_clusters")
    assert "9000000 clusters cannot be made" in said
    assert "clusters.k" in said
