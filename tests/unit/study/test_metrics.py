"""metrics.tsv against known numbers, and the ways in which it may be wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_table, write_table
from speclm.study.bootstrap import Bootstrap
from speclm.study.metrics import (
    COST_COLUMNS,
    MEASURED_COLUMNS,
    RUN_COLUMNS,
    check_metrics,
    gather_documents,
    measurements_of,
    summarise,
    write_documents_table,
)
from speclm.study.plan import KEY, Measurement
from unit.study.made_up import Results, plan_of

BOOTSTRAP = Bootstrap(replicates=50, seed=1, level=0.95)
NAME = Measurement("slm", "none", "law", 10, 5, 17, "test")


def test_perplexity_and_bits_per_byte_of_one_document() -> None:
    document = {"document": 0, "nll": 4 * np.log(4), "tokens": 4, "bytes": 8}
    documents = pd.DataFrame([{**NAME._asdict(), **document}])
    runs = pd.DataFrame([{**NAME._asdict(), **dict.fromkeys(RUN_COLUMNS, 3)}])
    row = summarise(documents, runs, BOOTSTRAP).iloc[0]
    assert row["perplexity"] == pytest.approx(4) and row["nll"] == pytest.approx(np.log(4))
    assert row["bits_per_byte"] == pytest.approx(1)
    assert row["low"] == pytest.approx(4) and row["high"] == pytest.approx(4)
    assert row["flops"] == 6


def test_columns_order_and_truth(paper_results: Results) -> None:
    metrics = paper_results.metrics
    assert metrics.columns.tolist() == KEY + MEASURED_COLUMNS + COST_COLUMNS
    assert metrics.equals(metrics.sort_values(KEY, ignore_index=True))
    assert (metrics["low"] < metrics["perplexity"]).all() and (metrics["perplexity"] < metrics["high"]).all()
    generic = metrics[(metrics["method"] == "slm_mix") & (metrics["domain"] == "generic")]
    assert generic["perplexity"].tolist() == pytest.approx([17.13, 15.92, 15.82])


def test_bits_per_byte_do_not_depend_on_the_vocabulary(paper_results: Results) -> None:
    halved = paper_results.documents.assign(tokens=paper_results.documents["tokens"] / 2)
    other = summarise(halved, paper_results.runs, BOOTSTRAP)
    assert other["bits_per_byte"].tolist() == pytest.approx(paper_results.metrics["bits_per_byte"].tolist())
    assert other["nll"].tolist() == pytest.approx((2 * paper_results.metrics["nll"]).tolist())


def test_same_input_same_bytes(paper_results: Results, tmp_path: Path) -> None:
    shuffled = paper_results.documents.sample(frac=1, random_state=1)
    for name, documents in (("a", paper_results.documents), ("b", shuffled)):
        write_table(tmp_path / name, summarise(documents, paper_results.runs, BOOTSTRAP))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_table_survives_writing(paper_results: Results, tmp_path: Path) -> None:
    write_table(tmp_path / "metrics.tsv", paper_results.metrics)
    check_metrics(read_table(tmp_path / "metrics.tsv"), paper_results.plan, tmp_path / "metrics.tsv")


def test_gathered_documents_are_sorted_and_whole(paper_results: Results, tmp_path: Path) -> None:
    halves = [part for _, part in paper_results.documents.groupby("domain")]
    for i, half in enumerate(halves):
        write_documents_table(tmp_path / f"{i}.parquet", half.iloc[::-1])
    gathered = gather_documents(sorted(tmp_path.glob("*.parquet")))
    assert len(gathered) == len(paper_results.documents)
    assert measurements_of(gathered) == measurements_of(paper_results.documents)
    with pytest.raises(UserError, match="stand twice"):
        gather_documents([tmp_path / "0.parquet", tmp_path / "0.parquet"])
    halves[0].drop(columns="bytes").to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(UserError, match="lacks bytes"):
        gather_documents([tmp_path / "bad.parquet"])


def test_missing_and_duplicated_rows_are_named(paper_results: Results) -> None:
    metrics = paper_results.metrics
    check_metrics(metrics, paper_results.plan, "metrics.tsv")
    with pytest.raises(UserError, match=r"2 measurements .* missing: llm on generic heldout, n0, b100"):
        check_metrics(metrics.drop(index=[0, 1]), paper_results.plan, "metrics.tsv")
    with pytest.raises(UserError, match="stand twice: llm on generic heldout, n0, b100"):
        check_metrics(pd.concat([metrics, metrics.head(1)]), paper_results.plan, "metrics.tsv")
    with pytest.raises(UserError, match=r"; and \d+ more"):
        check_metrics(metrics.head(3), plan_of(), "metrics.tsv")


def test_runs_and_documents_must_match(paper_results: Results) -> None:
    with pytest.raises(UserError, match="without the facts of its run: llm on generic"):
        summarise(paper_results.documents, paper_results.runs[paper_results.runs["method"] != "llm"], BOOTSTRAP)
    some = paper_results.documents[paper_results.documents["method"] != "slm_is"]
    with pytest.raises(UserError, match="without documents: slm_is"):
        summarise(some, paper_results.runs, BOOTSTRAP)
