"""The figure "trend": the paper's points at its own tokens a parameter, ours at ours, and the difference's sign."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from speclm.stage.files import read_table
from speclm.study.plan import make_plan
from unit.study.drawing import assert_labels_apart, assert_within_page, make_figure, points_of, words
from unit.study.made_up import PAPER, ROOT, STUDY, Results, Truth, measure, paper_nll, results_of
from unit.study.test_paper_shape import evidence as in_papers_shape

METHODS = read_table(ROOT / "config/methods.tsv")
SLM = 126e6  # parameters of the made-up SLM, which sees as many tokens as its budget


def hollow(figure: Figure, panel: int, colour: str) -> tuple[list[float], list[float]]:
    lines = figure.axes[panel].get_lines()
    (line,) = [line for line in lines if line.get_markerfacecolor() == "white" and line.get_color() == colour]
    return list(np.asarray(line.get_xdata())), list(np.asarray(line.get_ydata()))


def test_each_panel_beside_the_papers(paper_results: Results) -> None:
    figure = make_figure("trend", paper_results.evidence)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        *("Generic text (paper: C4)", "After 1k tokens (paper: 1M)"),
        *("After 8k tokens (paper: 8M)", "After 64k tokens (paper: 64M)"),
    ]


def test_above_zero_is_better_than_the_slm_at_the_same_budget(paper_results: Results) -> None:
    figure = make_figure("trend", paper_results.evidence)
    seen, nats = points_of(figure, 0, "slm_mix")
    generic = {name: [PAPER[name, gpuh]["c4_perplexity"] for gpuh in (100, 200, 400)] for name in ("SLM", "SLM-mix")}
    # the first line of its look is the paper's, where both have one
    assert nats == pytest.approx(np.log(generic["SLM"]) - np.log(generic["SLM-mix"]))
    assert seen == pytest.approx([361, 722, 1443], abs=0.6)
    lines = figure.axes[1].get_lines()
    filled = next(line for line in lines if line.get_marker() == "v" and line.get_markerfacecolor() != "white")
    assert list(np.asarray(filled.get_xdata())) == pytest.approx([budget / SLM for budget in (100, 200, 400)])
    assert list(np.asarray(filled.get_ydata())) == pytest.approx(np.log([19.31 / 17.5, 18.58 / 15.5, 18.22 / 14.0]))


def test_the_papers_slm_is_is_a_bound_at_the_smallest_size_alone(paper_results: Results) -> None:
    figure = make_figure("trend", paper_results.evidence)
    seen, nats = hollow(figure, 1, "#D55E00")
    assert seen == pytest.approx([1.3 * 360.75], abs=0.1)
    assert nats == pytest.approx([0.279], abs=0.001)
    with pytest.raises(ValueError, match="not enough values"):
        hollow(figure, 2, "#D55E00")


def test_labels_where_ours_lie_among_the_papers() -> None:
    figure = make_figure("trend", in_papers_shape())
    assert_within_page(figure)
    assert_labels_apart(figure)
    texts = [text.get_text() for text in figure.axes[1].texts if text.get_text()]
    assert sorted(texts) == ["LLM", "SLM", "SLM-is", "SLM-mix", "SLM-pn"]


def test_labels_beside_our_points_where_they_lie_far_from_the_papers(paper_results: Results) -> None:
    figure = make_figure("trend", paper_results.evidence)
    texts = [text.get_text() for text in figure.axes[1].texts]
    assert [texts.count(name) for name in ("SLM", "LLM", "SLM-pn")] == [1, 2, 2]


def test_between_two_budgets_of_the_slm_its_loss_is_on_the_line_in_log_budget() -> None:
    """SLM-is at 50, which the SLM has no number for, and at 200 ** 0.5 * 100 ** 0.5, half way from 100 to 200."""
    half = 141.4213562
    plan = make_plan({**STUDY, "domain_budgets": (50, half), "variants": []}, METHODS)
    truth = Truth(nll=lambda name: 2.5 if name.method == "slm_is" else paper_nll(name))
    figure = make_figure("trend", measure(plan, truth).evidence)
    line = next(line for line in figure.axes[2].get_lines() if line.get_marker() == "v")
    assert list(np.asarray(line.get_xdata())) == pytest.approx([half / SLM])
    assert list(np.asarray(line.get_ydata())) == pytest.approx([np.log(15.61 * 15.12) / 2 - 2.5])


def test_what_the_budgets_buy_is_said(paper_results: Results) -> None:
    assert "LLM 1, SLM-is 1, SLM-pn 1, SLM-mix 1 (the paper: LLM 0.29" in words(
        make_figure("trend", paper_results.evidence)
    ).replace("\n", " ")


def test_a_gap_is_named() -> None:
    lacking = results_of(Truth(without=lambda name: (name.method, name.budget, name.size) == ("slm_pn", 200, 1000)))
    figure = make_figure("trend", lacking.evidence)
    assert [axes.get_title(loc="left").startswith("INCOMPLETE") for axes in figure.axes] == [False, True, False, False]
    assert "slm_pn (most_frequent) on law test, n1000, b200" in words(figure)
