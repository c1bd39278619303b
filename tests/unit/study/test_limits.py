"""Table 3: the dearest budget's costs beside the paper's."""

import pytest

from speclm.study.tables import make_table
from unit.study.made_up import Results, Truth, results_of, sources_of


def test_table_3_in_flops(paper_results: Results) -> None:
    made = make_table(3, sources_of(paper_results))
    raw = made.raw.set_index("model")
    assert raw.loc["SLM", ["pretraining", "n1000", "n8000", "n64000"]].tolist() == pytest.approx([400, 0.01, 0.1, 1.0])
    assert raw.loc["SLM-is", ["pretraining", "n1000"]].tolist() == pytest.approx([0, 400.01])
    assert raw.loc["SLM-d", "pretraining_ratio"] == pytest.approx(2.0)
    assert raw.loc["LLM", ["paper_pretraining", "paper_n64000"]].tolist() == [650, 3.5]
    assert raw.loc["LLM", "paper_n8000_ratio"] == pytest.approx(0.5 / 0.07)
    assert "SLM-nopt" not in raw.index  # which was not pretrained
    assert "in FLOPs" in made.caption


def test_what_was_not_measured_is_a_dash() -> None:
    results = results_of(Truth(without=lambda name: (name.method, name.size) == ("slm_pn", 8000)))
    shown = make_table(3, sources_of(results)).shown.set_index("model")
    assert shown.loc["SLM-pn", "domain of 8k"] == "-"
    assert shown.loc["SLM-pn", "domain of 1k"] == "0.01 (1.00x)"
