"""The text at the end of a run."""

from speclm.study.claims import judge
from speclm.study.overview import overview
from unit.study.made_up import Results, Truth, results_of


def test_table_and_verdicts(paper_results: Results) -> None:
    text = overview(paper_results.evidence, judge(paper_results.evidence))
    lines = text.splitlines()
    assert all(len(line) <= 100 and line == line.rstrip() for line in lines)
    row = next(line for line in lines if line.startswith("SLM-pn"))
    assert "16.9 [" in row and "17.2 [" in row
    assert sum(line.startswith(("holds", "does not hold", "cannot tell")) for line in lines) == 17
    assert "17 claims" in text


def test_what_is_missing_is_a_dash() -> None:
    results = results_of(Truth(without=lambda name: name.method == "slm_is"))
    lines = overview(results.evidence, judge(results.evidence)).splitlines()
    assert next(line for line in lines if line.startswith("SLM-is")).split()[1:] == ["-"] * 5
