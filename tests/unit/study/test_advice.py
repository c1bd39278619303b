"""Advice: the ranking of what fits, what else could be, and what is not known; and the page that says it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.study.advice import Costs, advise
from speclm.study.advice_page import advice_page
from speclm.study.budgets import Limits
from speclm.study.own_domain import Domain, describe_domain, size_class
from unit.study.made_up import HISTOGRAMS, Results, Truth, results_of, serving_of, timings_of

SMALL = Limits(latency=3.0, parameters=None, specialization=0, pretraining=400)
DOMAIN = Domain(
    name="mine",
    documents={"train": 70, "valid": 10, "test": 20},
    tokens={"train": 1200, "valid": 100, "test": 300},
    removed={"passage as in mine/test": 4},
    byte_share=0.01,
    generic_byte_share=0.005,
    bits_per_byte=1.0,
)


def advised(
    results: Results, domain: Domain = DOMAIN, limits: Limits = SMALL, own: tuple[int, ...] = (40, 30, 20, 10)
) -> Any:
    costs = Costs(serving_of(results), timings_of(results))
    mine = pd.DataFrame(
        [("mine", 4, cluster, windows) for cluster, windows in enumerate(own)], columns=HISTOGRAMS.columns
    )
    return advise(domain, results.evidence, costs, pd.concat([HISTOGRAMS, mine]), 4, limits)


def test_the_nearest_size_by_ratio_is_what_counts() -> None:
    assert [size_class(tokens, (1000, 8000), "x") for tokens in (1000, 2828, 2829, 10**9)] == [1000, 1000, 8000, 8000]
    with pytest.raises(UserError, match="has 999 training tokens, fewer than the smallest size"):
        size_class(999, (1000, 8000), "x")


def test_the_papers_numbers_recommend_what_its_tree_does(paper_results: Results) -> None:
    advice = advised(paper_results)
    assert [row["method"] for row in advice["ranking"]] == ["slm_pn", "slm_mix", "slm_d", "slm", "slm_nopt"]
    assert advice["chosen"] == ["slm_pn", "slm_mix", "slm_d"]
    first, second, *_ = advice["ranking"]
    assert first["perplexity"] == pytest.approx(17.17, rel=1e-3) and first["behind"] == 0
    assert second["behind"] == pytest.approx(np.log(second["perplexity"] / first["perplexity"]))
    assert second["behind_low"] < second["behind"] < second["behind_high"]
    assert set(advice["excluded"]) == {"llm", "slm_is"}
    json.dumps(advice, allow_nan=False)


def test_without_limits_the_large_model_is_first(paper_results: Results) -> None:
    assert advised(paper_results, limits=replace(SMALL, latency=None))["chosen"][0] == "llm"


def test_more_may_be_spent(paper_results: Results) -> None:
    advice = advised(paper_results)
    best = {row["specialization"]: row["best"] for row in advice["more"]}
    assert best[0] == "SLM-pn" and best[400] == "SLM-is"
    assert advised(paper_results, limits=replace(SMALL, specialization=400))["chosen"][0] == "slm_is"


def test_an_importance_sampled_model_is_offered_with_its_cost(paper_results: Results) -> None:
    """14.0 against 17.17; its pretraining of 400 units and fine-tuning of 0.01."""
    offer = advised(paper_results)["offer"]
    assert offer["behind"] == pytest.approx(np.log(14.0 / 17.17), abs=1e-3) and offer["high"] < 0
    assert offer["flops"] == pytest.approx(400.01)
    assert advised(paper_results, limits=replace(SMALL, specialization=400))["offer"] is None


def test_margins_by_domain_average_to_the_whole(paper_results: Results) -> None:
    advice = advised(paper_results)
    assert set(advice["by_domain"]) == {"law", "maths", "web"}
    assert np.mean([margin[0] for margin in advice["by_domain"].values()]) == pytest.approx(
        advice["ranking"][1]["behind"]
    )


def test_a_smaller_pretraining_counts_at_its_own_numbers(paper_results: Results) -> None:
    less = advised(paper_results, limits=replace(SMALL, pretraining=100))
    assert less["ranking"][0]["perplexity"] > advised(paper_results)["ranking"][0]["perplexity"]


def test_the_domain_stands_beside_the_known_ones(paper_results: Results) -> None:
    rows = {row["corpus"]: row for row in advised(paper_results)["corpora"]}
    assert rows["mine"]["js"] == pytest.approx(0) and rows["mine"]["effective_clusters"] == pytest.approx(3.6, abs=0.05)
    assert rows["mine"]["bits_per_byte"] == 1.0
    known = paper_results.metrics.query("method == 'slm' and domain == 'law' and size == 0 and budget == 400")
    assert rows["law"]["bits_per_byte"] == pytest.approx(known["bits_per_byte"].item())


def test_what_lies_outside_of_what_was_studied_is_said(paper_results: Results) -> None:
    """law has 1.2 effective clusters, web 4; their bits per byte lie near 1."""
    inside = advised(paper_results, replace(DOMAIN, bits_per_byte=rows_mean(paper_results)), own=(70, 12, 9, 9))
    assert not any("than any that was studied" in line for line in inside["unknown"])
    outside = advised(paper_results, replace(DOMAIN, bits_per_byte=9.0), own=(1, 0, 0, 0))
    said = " ".join(outside["unknown"])
    assert "fewer effective clusters (1)" in said and "more bits per byte (9)" in said


def test_that_a_text_is_foreign_is_said_first(paper_results: Results) -> None:
    pages = [
        advice_page(advised(paper_results, replace(DOMAIN, byte_share=share)), paper_results.plan, "here")
        for share in (0.01, 0.6)
    ]
    assert "foreign" not in pages[0]
    warning = "**This text is foreign to the tokenizer**: 60% of its tokens are single bytes (generic text: 0.5%)"
    assert 0 < pages[1].index(warning) < pages[1].index("is recommended")


def rows_mean(results: Results) -> float:
    rows = results.metrics.query("method == 'slm' and size == 0 and budget == 400 and domain != 'generic'")
    return float(rows["bits_per_byte"].mean())


def test_what_was_not_measured_is_left_out_and_said() -> None:
    results = results_of(Truth(without=lambda name: name.method == "slm_pn" and name.size == 1000))
    advice = advised(results)
    assert advice["chosen"][0] == "slm_mix"
    assert any("measurements are missing" in line for line in advice["unknown"])
    nothing = results_of(Truth(without=lambda name: name.size == 1000))
    with pytest.raises(UserError, match="no method that fits was measured at 1000 tokens"):
        advised(nothing)


def test_the_page_says_what_was_found(paper_results: Results) -> None:
    advice = advised(paper_results)
    page = advice_page(advice, paper_results.plan, "results/published/laptop")
    assert page.startswith("# Advice for mine, before anything is spent\n\n**SLM-pn** is recommended. SLM-mix is +")
    for words in (
        "With `specialization=400` it is pretrained for it: 400 FLOPs",
        "The paper's tree names SLM-pn or SLM-mix for such budgets.",
        "Specialised next: SLM-pn, SLM-mix, SLM-d.",
        "inference at most 3 ms per token; specialization by fine-tuning alone",
        "As measured at 1,000 tokens in results/published/laptop",
        "LLM (8.33 ms per token)",
        "| removed: passage as in mine/test",
        *advice["unknown"],
    ):
        assert words in page, words
    assert "nan" not in page and "None" not in page


def test_a_tie_is_called_one() -> None:
    """Noise that drowns the 0.8 % between the two ways of choosing drowns the methods' margin too."""
    page = advice_page(advised(results_of(Truth(noise=4.0))), results_of(Truth()).plan, "here")
    assert "the two cannot be told apart" in page


def test_one_method_alone_has_no_rival(paper_results: Results) -> None:
    plan = replace(paper_results.plan, methods=paper_results.plan.methods[:1])
    alone = replace(paper_results, evidence=replace(paper_results.evidence, plan=plan))
    advice = advised(alone)
    assert advice["chosen"] == ["slm"] and advice["by_domain"] == {}
    assert "No other method fits." in advice_page(advice, plan, "here")


def test_facts_come_from_what_the_stages_left() -> None:
    report = {
        "splits": {f"mine/{split}": {"documents": count} for split, count in DOMAIN.documents.items()},
        "removed": [
            {"from": place, "kept_in": "mine/test", "how": "passage", "documents": 2} for place in ("mine", "b")
        ],
    }
    start = [{"nll": 2 * np.log(2), "tokens": 30, "bytes": 60}]
    assert describe_domain("mine", report, DOMAIN.tokens, (0.01, 0.005), start) == DOMAIN
