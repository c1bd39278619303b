"""The text at the end of a run."""

import pandas as pd

from speclm.study.claims import judge
from speclm.study.overview import count_verdicts, overview
from speclm.study.paper_claims import TOPICS
from unit.study.made_up import Results, Truth, results_of


def test_table_and_verdicts(paper_results: Results) -> None:
    text = overview(paper_results.evidence, judge(paper_results.evidence).claims)
    lines = text.splitlines()
    assert all(len(line) <= 100 and line == line.rstrip() for line in lines)
    row = next(line for line in lines if line.startswith("SLM-pn"))
    assert "16.9 [" in row and "17.2 [" in row
    assert sum(line.startswith(("one seed: cannot tell", "cannot tell")) for line in lines) == 17
    assert "17 claims at this scale, by 1 seed: 3 cannot be told, 14 cannot be told by one seed" in text


def test_claims_are_grouped_and_say_what_decides() -> None:
    evidence = results_of(Truth(seeds=(17, 18))).evidence
    lines = overview(evidence, judge(evidence).claims).splitlines()
    assert [line for line in lines if line in TOPICS] == list(TOPICS)
    place = next(place for place, line in enumerate(lines) if " 2. Generic text" in line)
    assert lines[place].startswith("holds  ") and lines[place].endswith("]")
    assert any("decided by: LLM below SLM-mix on generic text" in line for line in lines[place : place + 3])


def test_verdicts_are_counted_by_kind() -> None:
    verdicts = ["holds", "holds in 2 of 3 parts", "holds in 1 of 8 parts", "does not hold", "cannot tell"]
    counted = count_verdicts(pd.DataFrame({"verdict": verdicts, "seeds": 5}))
    assert counted == (
        "The paper's 5 claims at this scale, by 5 seeds: 1 hold, 2 hold in part, 1 do not hold, 1 cannot be told"
    )


def test_what_is_missing_is_a_dash() -> None:
    results = results_of(Truth(without=lambda name: name.method == "slm_is"))
    lines = overview(results.evidence, judge(results.evidence).claims).splitlines()
    assert next(line for line in lines if line.startswith("SLM-is")).split()[1:] == ["-"] * 5


def test_how_many_finetunings_a_cap_ended_is_told() -> None:
    results = results_of(Truth())
    metrics = results.evidence.metrics
    tuned = metrics.index[(metrics["size"] > 0) & (metrics["specialize_tokens"] > 0)]
    metrics["capped"] = 0
    metrics.loc[tuned[:3], "capped"] = 1
    text = overview(results.evidence, judge(results.evidence).claims)
    assert f"early stopping ended: {len(tuned) - 3} of {len(tuned)}; 3 ended at a cap." in text
