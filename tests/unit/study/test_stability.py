"""Means, ranges and rank correlations over seeds against closed forms; the page; the published tables made again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from speclm.stage.files import read_table
from speclm.study.stability import read_paper, stability_tables, summarise, to_page
from unit.study.made_up import ROOT

DOMAINS = ["law", "tax", "art"]
PAPER = pd.DataFrame({"domain": [*DOMAINS, "music", "c4"], "k16": [1.0, 2.0, 3.0, 9.0, 4.0]})


def repetitions(entropies: dict[str, list[float]], k: int = 16) -> pd.DataFrame:
    """Entropies of each corpus for seeds 17, 18, …; the same in both samples."""
    return pd.DataFrame(
        {"corpus": corpus, "k": k, "seed": 17 + i, "sample": sample, "windows": windows, "entropy": value}
        for sample, windows in (("all", 50), ("equal", 20))
        for corpus, values in entropies.items()
        for i, value in enumerate(values)
    )


def summary_of(entropies: dict[str, list[float]], k: int = 16) -> pd.DataFrame:
    return summarise(repetitions(entropies, k), {"entropy": PAPER}).set_index(["statistic", "sample", "corpus"])


def test_mean_lowest_highest_and_the_papers_number() -> None:
    summary = summary_of({"generic": [2.0, 2.0, 2.0], "law": [1.0, 1.4, 1.2], "own": [0.5, 0.5, 0.5]})
    law = summary.loc[("entropy", "all", "law")]
    assert law[["windows", "seeds"]].tolist() == [50, 3]
    assert law[["mean", "low", "high", "paper"]].tolist() == pytest.approx([1.2, 1.0, 1.4, 1.0])
    assert summary.loc[("entropy", "equal", "law"), "windows"] == 20
    assert summary.loc[("entropy", "all", "generic"), "paper"] == 4.0  # C4
    assert np.isnan(summary.loc[("entropy", "all", "own"), "paper"])


def test_the_correlation_is_made_for_each_seed() -> None:
    """The paper's order with one seed, its reverse with another; generic text does not count."""
    summary = summary_of({"generic": [0.0, 0.0], "law": [1.0, 3.0], "tax": [2.0, 2.0], "art": [3.0, 1.0]})
    row = summary.xs("spearman_entropy", level="statistic").xs("all", level="sample").iloc[0]
    assert row[["mean", "low", "high"]].tolist() == pytest.approx([0, -1, 1])
    assert row["seeds"] == 2


@pytest.mark.parametrize("entropies", [{"law": [1.0], "tax": [2.0], "own": [3.0]}, {d: [1.0] for d in DOMAINS}])
def test_no_correlation_over_two_domains_or_equal_values(entropies: dict[str, list[float]]) -> None:
    summary = summary_of({"generic": [2.0], **entropies})
    assert summary.loc["spearman_entropy"][["mean", "low", "high"]].isna().all(axis=None)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=9))
def test_the_correlation_is_spearmans_with_ties(pairs: list[tuple[int, int]]) -> None:
    names = [f"d{i}" for i in range(len(pairs))]
    paper = pd.DataFrame({"domain": names, "k16": [float(theirs) for _, theirs in pairs]})
    ours = repetitions({"generic": [0.0], **{name: [float(p[0])] for name, p in zip(names, pairs, strict=True)}})
    found = summarise(ours, {"entropy": paper}).set_index("statistic").loc["spearman_entropy", "mean"].iloc[0]
    if min(len(set(side)) for side in zip(*pairs, strict=True)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(*zip(*pairs, strict=True)).statistic)


def test_the_page_has_a_dash_for_what_the_paper_lacks() -> None:
    values = repetitions({"generic": [2.0, 2.5], "law": [1.0, 1.1], "own": [0.5, 0.5]}, k=4)
    summary = summarise(values.assign(top_share=0.25), read_paper(ROOT / "config/reference/paper"))
    tables = stability_tables(summary)
    assert [table.number for table in tables] == [9, 10, 9, 10]
    assert tables[1].shown["corpus"].tolist() == ["law", "own", "generic", "Spearman with the paper"]
    assert tables[1].shown.iloc[2].tolist() == ["generic", "50", "2.25 [2.00, 2.50]", "-"]  # table 10 begins at k = 16
    assert tables[0].shown.iloc[2].tolist() == ["generic", "50", "0.25 [0.25, 0.25]", "0.32"]
    assert tables[3].shown.iloc[3].tolist() == ["Spearman with the paper", "-", "-", "-"]
    page = to_page(summary)
    assert page.count("**Table 9.**") == page.count("**Table 10.**") == 2
    assert "over 2 seeds of k-means; as many training windows of each corpus as the smallest has." in page


FOLDERS = sorted(path.parent for path in Path(ROOT, "results/published/realtext").glob("*/repetitions.tsv"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_published_tables_come_from_the_published_repetitions(folder: Path) -> None:
    summary = summarise(pd.read_csv(folder / "repetitions.tsv", sep="\t"), read_paper(ROOT / "config/reference/paper"))
    assert to_page(summary) == (folder / "clusters.md").read_text()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_order_that_the_paper_builds_on_holds_on_real_text(folder: Path) -> None:
    """C4 has the highest entropy, openwebtext2 and wikipedia the next, in the mean over the seeds."""
    summary = read_table(folder / "clusters.tsv").query("statistic == 'entropy' and sample == 'all'")
    assert set(summary["k"]) == {16, 64, 256}
    for k, rows in summary.groupby("k"):
        order = rows.sort_values("mean", ascending=False)["corpus"].tolist()
        assert order[0] == "generic" and set(order[1:3]) == {"openwebtext2", "wikipedia"}, k
