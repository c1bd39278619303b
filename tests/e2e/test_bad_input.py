"""What a user can get wrong ends with a clear error, a non-zero exit, and nothing that a later run would trust."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.conftest import Clone


@pytest.fixture(scope="module")
def spare(smoke: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A copy of the finished run that may be damaged."""
    folder = tmp_path_factory.mktemp("spare") / "project"
    shutil.copytree(smoke.folder, folder)
    return Clone(folder)


def own_domain(clone: Clone, text: bytes) -> tuple[str, ...]:
    """Make `text` the documents of a domain of the user's own, in a run of its own."""
    source = clone.folder / "mine.jsonl"
    source.write_bytes(text)
    for name, row in (
        ("datasets", f"mine\tfiles\t{source}\tCC0-1.0\tmade by a test\n"),
        ("domains", "mine\tmine\tmine\n"),
    ):
        table = clone.folder / f"config/{name}.tsv"
        table.write_text("".join(line for line in table.open() if not line.startswith("mine\t")) + row)
    return ("--config", "domains=['sqlalchemy','mine']", "run=bad")


def test_too_few_documents_for_the_splits(new_clone: Callable[[], Clone]) -> None:
    clone = new_clone()
    lines = b"".join(b'{"text": "%s"}\n' % (b"document number %d with its own words " % i * 20) for i in range(5))
    ended = clone.snakemake("results/bad/splits/report.json", *own_domain(clone, lines), check=False)
    assert ended.returncode != 0
    assert "mine has 5 different documents" in ended.stderr
    assert "Remedy: lower documents.test" in ended.stderr
    assert not (clone.folder / "results/bad/splits/report.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "mine.jsonl"),
        (b'{"text": "fine"}\n{"text": "\xff\xfe"}\n', "mine.jsonl:2"),
        (b'{"words": "no text here"}\n', "mine.jsonl"),
    ],
    ids=["empty", "invalid UTF-8", "no such field"],
)
def test_unreadable_documents(new_clone: Callable[[], Clone], text: bytes, message: str) -> None:
    clone = new_clone()
    ended = clone.snakemake("results/bad/documents/mine.jsonl.zst", *own_domain(clone, text), check=False)
    assert ended.returncode != 0
    assert message in ended.stderr
    assert "Remedy: " in ended.stderr
    assert not list(clone.folder.glob("results/bad/documents/mine.jsonl.zst"))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-100], lambda data: b"\0" + data[1:]], ids=["truncated", "changed"]
)
def test_a_damaged_store_is_refused(spare: Clone, damage: Callable[[bytes], bytes]) -> None:
    store = spare.results / "tokens/sqlalchemy/test.bin"
    whole = store.read_bytes()
    store.write_bytes(damage(whole))
    target = "results/smoke/evaluate/slm/sqlalchemy/seed17/documents.parquet"
    ended = spare.snakemake(target, "--force", target, "--rerun-triggers", "input", check=False)
    store.write_bytes(whole)
    assert ended.returncode != 0
    assert "tokens/sqlalchemy/test.bin" in ended.stderr
    assert "Remedy: " in ended.stderr
    assert not (spare.folder / target).exists()


def test_a_tokenizer_that_does_not_match_the_store_is_refused(spare: Clone) -> None:
    other = Path(spare.folder / "results/other")
    shutil.copytree(spare.results / "tokenizer", other)
    spare.snakemake(
        "results/odd/tokenizer/tokenizer.model",
        "--config",
        "run=odd",
        "tokenizer={'vocabulary':400,'characters':200000}",
    )
    for name in ("tokenizer.model", "tokenizer.json"):
        shutil.copy(spare.folder / "results/odd/tokenizer" / name, spare.results / "tokenizer" / name)
    target = "results/smoke/embeddings/sqlalchemy/train.npy"
    ended = spare.snakemake(target, "--force", "--allowed-rules", "embed_split", check=False)
    assert ended.returncode != 0
    assert "tokens/sqlalchemy/train.bin" in ended.stderr
    assert "Remedy: " in ended.stderr


def test_a_size_that_the_domain_does_not_have(spare: Clone) -> None:
    target = "results/smoke/specialize/slm/networkx/seed17/runs.json"
    change = "specialize={'sizes':[1000,8000,90000000]}"
    ended = spare.snakemake(target, "--allowed-rules", "specialize_model", "--config", change, check=False)
    assert ended.returncode != 0
    assert "90000000 tokens asked for" in ended.stderr
    assert "specialize.sizes" in ended.stderr


def test_more_clusters_than_windows(spare: Clone) -> None:
    ended = spare.snakemake(
        "results/smoke/clusters/k4/centroids.npy",
        "--allowed-rules",
        "fit_clusters",
        "--config",
        "clusters={'k':[4,8,16,9000000]}",
        check=False,
    )
    assert ended.returncode != 0
    assert "9000000 clusters cannot be made" in ended.stderr
    assert "clusters.k" in ended.stderr
