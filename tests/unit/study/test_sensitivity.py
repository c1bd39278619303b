"""The table of sensitivities: paired differences of the variants that no figure shows, and the order of methods."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from speclm.stage.files import read_table
from speclm.study.layout import write_files
from speclm.study.sensitivity import CHOICE, in_words, sensitivity
from unit.study.made_up import Results, Truth, paper_nll, results_of

VARIANTS = ["slm_pn_h8", "slm_pn_seed18", "slm_is_seed18", "slm_d_weight25"]


@pytest.fixture(scope="module")
def raw(variant_results: Results) -> pd.DataFrame:
    return sensitivity(variant_results.evidence).raw


def test_one_row_for_each_remaining_variant_and_way_of_choosing(raw: pd.DataFrame) -> None:
    assert raw["variant"].tolist() == [*VARIANTS, "slm_mix", "slm_mix", "slm_pn", "slm_pn"]
    assert raw.loc[0, ["changed", "from", "to", "method"]].tolist() == ["components", "32", "8", "SLM-pn"]
    assert raw.loc[2, ["changed", "from", "to", "method"]].tolist() == ["clusters.seed", "17", "18", "SLM-is"]
    assert raw.loc[5, ["changed", "from", "to"]].tolist() == [CHOICE, "most frequent", "best finetuned"]


def test_differences_are_paired_and_in_nats(raw: pd.DataFrame) -> None:
    assert raw.loc[0, "n1000"] == pytest.approx(17.17)
    assert raw.loc[0, "n1000_variant"] == pytest.approx(17.17 * np.exp(0.02))
    assert raw.loc[0, "n64000_difference"] == pytest.approx(0.02)
    assert raw.loc[2, "n8000_difference"] == pytest.approx(0.004)
    assert raw.loc[6, "n1000_difference"] == pytest.approx(np.log(0.992))
    # as narrow as the noise, though documents differ by 0.5
    assert 0.019 < raw.loc[0, "n1000_low"] < 0.02 < raw.loc[0, "n1000_high"] < 0.021


def test_a_size_at_which_no_expert_was_chosen_so_has_no_number(raw: pd.DataFrame) -> None:
    assert raw.loc[5, "n1000_difference"] == pytest.approx(np.log(0.990))
    assert np.isnan(raw.loc[5, "n8000_difference"]) and np.isnan(raw.loc[5, "n64000_variant"])


def test_order_says_what_the_method_passes_and_what_passes_it(raw: pd.DataFrame) -> None:
    """At 64k tokens SLM-pn at 11.86 is ahead of SLM-d at 11.95 and SLM at 12.00, by less than 0.02 nats."""
    assert raw.loc[0, "order"] == "behind SLM-d at 8k; behind SLM at 64k; behind SLM-d at 64k"
    assert raw.loc[1, "order"] == "no"
    better = Truth(nll=lambda name: paper_nll(name) - 0.1 * (name.method == "slm_pn_h8"), extra=("slm_pn_h8",))
    assert "ahead of" in sensitivity(results_of(better).evidence).raw.loc[0, "order"]


def test_an_order_that_the_intervals_do_not_tell_has_a_question_mark() -> None:
    noisy = Truth(extra=("slm_pn_h8",), noise=0.5)
    order = sensitivity(results_of(noisy).evidence).raw.loc[0, "order"]
    assert order.startswith("behind SLM-d at 8k?;")


def test_what_changes_all_methods_is_compared_with_all_changed() -> None:
    """Another seed of k-means brings SLM-pn ahead of the study's SLM-is, but not of SLM-is with that seed."""
    names = ("slm_pn_seed18", "slm_is_seed18")
    alone, together = (
        Truth(nll=lambda name: paper_nll(name) - 0.4 * (name.method in names), extra=extra)
        for extra in (names[:1], names)
    )
    assert "ahead of SLM-is at 1k" in sensitivity(results_of(alone).evidence).raw.loc[0, "order"]
    assert "SLM-is" not in sensitivity(results_of(together).evidence).raw.loc[0, "order"]


def test_missing_measurements_are_dashes() -> None:
    truth = Truth(extra=("slm_pn_h8",), without=lambda name: name.method == "slm_pn_h8" and name.size == 1000)
    table = sensitivity(results_of(truth).evidence)
    assert table.shown.loc[0, ["FT 1k: study", "FT 1k: variant", "FT 1k: nats"]].tolist() == ["17.17", "-", "-"]
    assert table.shown.loc[0, "FT 8k: nats"].startswith("+0.020 [+0.019")


def test_three_forms(variant_results: Results, tmp_path: Path) -> None:
    table = sensitivity(variant_results.evidence)
    write_files(table, *(tmp_path / f"sensitivity.{form}" for form in ("tsv", "md", "tex")))
    assert len(read_table(tmp_path / "sensitivity.tsv")) == 8
    assert (tmp_path / "sensitivity.md").read_text().startswith("**Sensitivity.** ")
    assert r"\label{table:sensitivity}" in (tmp_path / "sensitivity.tex").read_text()


def test_without_variants_the_ways_of_choosing_remain(paper_results: Results) -> None:
    assert set(sensitivity(paper_results.evidence).raw["changed"]) == {CHOICE}


def test_values_in_words() -> None:
    assert in_words({"rank": 4, "on": True, "targets": ["query", "value"]}) == "rank 4, on true, targets query, value"
    assert (in_words(None), in_words(0.25), in_words([{"name": "a"}, {"name": "b"}])) == ("none", "0.25", "a, b")
