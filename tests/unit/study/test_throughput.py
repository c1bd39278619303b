"""Table 2 from made-up times: those of the paper's own device give the paper's own numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from speclm.study.throughput import PHASES, throughput
from unit.study.made_up import PAPER_FOLDER, Results, Truth, results_of, sources_of, timings_of


def test_the_papers_times_give_the_papers_table(paper_results: Results) -> None:
    raw = throughput(sources_of(paper_results)).raw.set_index("model")
    paper = pd.read_csv(PAPER_FOLDER / "table_2_throughput.csv").set_index("model").set_axis(PHASES, axis=1)
    for phase in PHASES:
        np.testing.assert_allclose(raw.loc[paper.index, phase], paper[phase], rtol=1e-9)
        np.testing.assert_array_equal(raw.loc[paper.index, f"paper_{phase}"], paper[phase])
    assert raw.loc["SLM-pn", "pretraining_ratio"] == pytest.approx(3.6 / 2.2)
    assert raw.loc["LLM", "paper_inference_ratio"] == pytest.approx(2.54 / 0.61)
    assert raw.index.tolist() == ["SLM", "SLM-nopt", "LLM", "SLM-mix", "SLM-pn", "SLM-is", "SLM-d"]


def test_seconds_are_divided_by_the_tokens_they_took(paper_results: Results) -> None:
    timings = timings_of(paper_results)
    timings.loc[(timings["method"] == "slm_mix") & (timings["budget"] == 400), "seconds_generic"] = 30.0
    raw = throughput(sources_of(paper_results, timings)).raw
    hours = raw.set_index("model").loc["SLM-mix", "pretraining"]
    assert hours == pytest.approx(30 / 400 * 1e9 / 3600)


def test_importance_sampling_pays_for_its_pretraining_per_domain(paper_results: Results) -> None:
    raw = throughput(sources_of(paper_results)).raw.set_index("model")
    assert np.isnan(raw.loc["SLM-is", "pretraining"])
    assert raw.loc["SLM-is", "specialization"] == pytest.approx(2.2)


def test_a_cell_is_hours_and_their_multiple(paper_results: Results) -> None:
    table = throughput(sources_of(paper_results))
    row = table.shown.set_index("model").loc["LLM"]
    hours = row[["pretraining", "inference", "paper: pretraining"]]
    assert hours.tolist() == ["7.70 (3.50x)", "2.54 (4.16x)", "7.70 (3.50x)"]
    assert row[["ms per token", "bytes"]].tolist() == ["8.328 [7.911, 9.161]", "1.05G"]
    assert "ours on A100 (1 thread(s), bfloat16)" in table.caption


def test_what_was_not_run_is_a_dash() -> None:
    results = results_of(Truth(without=lambda name: name.method in ("slm", "slm_pn")))
    shown = throughput(sources_of(results)).shown.set_index("model")
    ours = ["pretraining", "specialization", "inference", "ms per token", "bytes", "FLOPs per token"]
    assert (shown.loc[["SLM", "SLM-pn"], ours] == "-").all(axis=None)
    assert shown.loc["SLM-pn", "paper: pretraining"] == "3.60 (1.64x)"
    assert shown.loc["LLM", "inference"] == "2.54"  # no SLM, no multiple of it
    assert shown.loc["SLM-nopt", "paper: inference"] == "-"
