"""The paper's tables: our numbers, the paper's beside them, and three forms of each."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.study.layout import count, number, to_latex, to_markdown, with_interval, write_files
from speclm.study.sources import Sources
from speclm.study.tables import TABLES, make_table
from unit.study.made_up import Results, Truth, results_of, sources_of


@pytest.fixture(scope="module")
def sources(paper_results: Results) -> Sources:
    return sources_of(paper_results)


@pytest.mark.parametrize("table", TABLES)
def test_three_forms_agree(sources: Sources, table: int, tmp_path: Path) -> None:
    made = make_table(table, sources)
    tsv, markdown, latex = (tmp_path / f"table_{table}.{form}" for form in ("tsv", "md", "tex"))
    write_files(made, tsv, markdown, latex)
    assert made.number == table
    assert len(read_table(tsv)) == len(made.raw) == len(made.shown)
    lines = [line for line in markdown.read_text().splitlines() if line.startswith("|")]
    assert len(lines) == len(made.shown) + 2
    assert len({line.count("|") for line in lines}) == 1
    assert latex.read_text().count(r" \\") == len(made.shown) + 1
    for text in (markdown.read_text(), latex.read_text()):
        assert "nan" not in text.lower()


def test_unknown_table(sources: Sources) -> None:
    with pytest.raises(UserError, match='no table 11 here: did you mean "table_1'):
        make_table(11, sources)


def test_tables_1_and_7_pair_with_the_papers(sources: Sources) -> None:
    main = make_table(1, sources).raw.set_index("model")
    assert main.index.tolist() == ["SLM", "SLM-mix", "SLM-pn", "LLM"]
    assert main.loc["SLM-pn", "pretraining"] == pytest.approx(1422.2, abs=0.1)
    assert main["paper_pretraining"].tolist() == [126, 2016, 1422, 771]
    every = make_table(7, sources).raw.set_index(["model", "experts"])
    assert every.loc[("SLM-mix", 256), "paper_pretraining"] == 32256
    assert len(every) == 9


def test_table_4(sources: Sources) -> None:
    raw = make_table(4, sources).raw.set_index("model")
    assert raw.loc["SLM-nopt", "n1000"] == pytest.approx(227.1)
    assert np.isnan(raw.loc["SLM-nopt", "before"])
    assert raw.loc["SLM", "n8000"] == pytest.approx(raw.loc["SLM", "paper_finetuned_8M"])
    assert raw.loc["LLM", "n1000_low"] < raw.loc["LLM", "n1000"] < raw.loc["LLM", "n1000_high"]
    assert make_table(4, sources).shown.set_index("model").loc["SLM-nopt", "before FT"] == "-"


def test_table_5(sources: Sources) -> None:
    raw = make_table(5, sources).raw.set_index(["model", "selection"])
    assert raw.loc[("SLM-pn", "best_finetuned"), "perplexity"] == pytest.approx(17.17 * 0.990)
    assert raw.loc[("SLM-pn", "best_finetuned"), "cost_factor"] == 2
    assert raw.loc[("SLM-pn", "most_frequent"), "paper_perplexity"] == 17.32


def test_table_6(sources: Sources) -> None:
    raw = make_table(6, sources).raw.set_index("parameter")
    assert raw.loc["mlp_inner_dim"].tolist() == ["4096", "11264", "4096", "11264"]


def test_table_8_reproduces_the_papers(sources: Sources) -> None:
    raw = make_table(8, sources).raw
    both = raw[raw["model"].isin(["SLM", "SLM-mix", "SLM-pn", "LLM"])]
    for ours, theirs in (("generic", "paper_generic"), ("before", "paper_before"), ("n64000", "paper_finetuned_64M")):
        assert both[ours].tolist() == pytest.approx(both[theirs].tolist())
    assert both["paper_gpuh"].tolist() == [100] * 4 + [200] * 4 + [400] * 4
    assert raw.loc[raw["model"] == "SLM-is", "paper_generic"].isna().all()


def test_tables_9_and_10(sources: Sources) -> None:
    share = make_table(9, sources).raw.set_index("corpus")
    assert share.loc["law", "k4"] == 0.97
    assert share.loc["generic", "paper_k4"] == 0.32
    assert np.isnan(share.loc["arxiv", "k4"]) and share.loc["arxiv", "paper_k1024"] == 0.29
    entropy = make_table(10, sources).raw.set_index("corpus")
    assert entropy.loc["web", "k4"] == pytest.approx(np.log(4))


def test_what_was_not_run_is_a_dash() -> None:
    results = results_of(Truth(without=lambda name: name.method == "slm_pn"))
    shown = make_table(8, sources_of(results)).shown
    row = shown[shown["model"] == "SLM-pn"].iloc[0]
    assert row[["tokens", "generic", "before FT", "FT 1k"]].tolist() == ["-"] * 4
    assert row["paper: C4"] == "18.90"


@pytest.mark.parametrize(
    ("value", "text"),
    [(18.216, "18.22"), (227.14, "227.1"), (1422.24, "1,422"), (np.nan, "-"), (None, "-"), (0.0, "0.00")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_cells() -> None:
    assert with_interval(18.2, 17.1, 19.4) == "18.20 [17.10, 19.40]"
    assert [count(tokens) for tokens in (0, 4000, 1_600_000, 1.42e9, 3e15)] == ["0", "4k", "1.6M", "1.42G", "3P"]


def test_latex_is_escaped(sources: Sources) -> None:
    text = to_latex(make_table(6, sources))
    assert r"model\_dim" in text and r"\begin{tabular}{lrrrr}" in text
    assert "95 % intervals" in to_markdown(make_table(4, sources))
    assert r"95 \% intervals" in to_latex(make_table(4, sources))


def test_what_clusters_are_of_stands_under_the_tables_that_rest_on_them(sources: Sources) -> None:
    noted = replace(sources, clusters="Clusters: of leaves.", deviations={"tax": "half"})
    for which in TABLES:
        notes = make_table(which, noted).notes
        assert ("Clusters: of leaves." in notes) == (which in (3, 5, 8, 9, 10))
        assert ("tax: half." in notes) == (which in (4, 5, 8, 9, 10))


def test_words_stand_left_numbers_right(sources: Sources) -> None:
    rule = to_markdown(make_table(5, sources)).splitlines()[3].split("|")[1:-1]
    assert [cell.strip().endswith(":") for cell in rule] == [False, False, True, True, True, True]


def test_raw_numbers_are_numbers(sources: Sources) -> None:
    raw = make_table(8, sources).raw
    assert all(pd.api.types.is_numeric_dtype(raw[column]) for column in raw.columns.drop("model"))


def test_what_departs_from_the_papers_data_stands_under_the_tables_made_of_it(sources: Sources) -> None:
    noted = replace(sources, deviations={"tax": "half of it, 50 %"})
    for which in TABLES:
        plain, table = make_table(which, sources), make_table(which, noted)
        assert plain.notes == ()
        if which in (4, 5, 8, 9, 10):
            told = "Data that departs from the paper's: tax: half of it, 50 %."
            assert to_markdown(table) == f"{to_markdown(plain)}\n{told}\n"
            assert r"\par tax: half of it, 50 \%." in to_latex(table)
        else:
            assert to_markdown(table) == to_markdown(plain)
