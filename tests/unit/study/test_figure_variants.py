"""Figures of variants: beside their method and divided by it, named where they were not measured."""

import numpy as np
import pytest

from speclm.stage.errors import UserError
from speclm.study.families import FAMILIES, figures_of
from speclm.study.figures import FIGURES, MAIN_FIGURES, VARIANT_FIGURES
from speclm.study.style import LOOKS, shades
from unit.study.drawing import Drawn, make_figure, points_of, words
from unit.study.made_up import (
    ABLATIONS,
    Results,
    Truth,
    plan_of,
    results_of,
)


def test_variants_stand_beside_their_method_and_divided_by_it(drawn: Drawn) -> None:
    figure = drawn("ablations", "7").figure
    few, own, many = shades(LOOKS["slm_pn"], 3, own=1)
    assert own == LOOKS["slm_pn"]
    assert points_of(figure, 0, "slm_pn")[1] == pytest.approx([18.57, 17.76, 17.17], rel=1e-3)
    cost, perplexity = points_of(figure, 0, "slm_pn", many)
    assert cost == [200, 400, 800]
    assert perplexity == pytest.approx(np.array([18.57, 17.76, 17.17]) * np.exp(-0.01), rel=1e-3)
    for look, ratio in ((few, np.exp(0.03)), (own, 1.0), (many, np.exp(-0.01))):
        assert points_of(figure, 1, "slm_pn", look)[1] == pytest.approx([ratio] * 3)
    assert points_of(figure, 1, "slm_pn", few)[0] == pytest.approx(0.95 * np.array([100.01, 200.01, 400.01]))
    assert [text.get_text() for text in figure.axes[1].texts] == ["k = 64", "k = 32", "k = 16"]
    assert figure.axes[1].get_ylabel() == "relative to k = 32\n(lower is better)"
    assert points_of(figure, 2, "slm_pn")[0] == [100, 200, 400, 600]  # the paper's


def test_ratios_have_intervals_of_their_own() -> None:
    """A variant that is another by a constant has none; by noise, one as wide as its claim's."""
    results = results_of(Truth(extra=("slm_pn_k16", "slm_pn_k64"), noise=0.5))
    axes = make_figure("7", results.evidence).axes[1]
    ratio = results.evidence.macro("slm_pn_k16", 1000, 400) - results.evidence.macro("slm_pn", 1000, 400)
    _, low, high = np.exp(ratio.interval(0.95))
    bars = [segment for lines in axes.collections for segment in lines.get_segments()]
    assert any(bar[:, 1] == pytest.approx([low, high]) for bar in bars)
    assert sum(bar[:, 1] == pytest.approx([1, 1]) for bar in bars) == 3  # the study's own


def test_figure_5_shows_a_curve_for_each_teacher(drawn: Drawn) -> None:
    figure = drawn("ablations", "5").figure
    weak, _, strong = shades(LOOKS["slm_d"], 3)
    assert points_of(figure, 0, "slm_d", weak)[0] == points_of(figure, 0, "slm_d", strong)[0] == [100, 200, 400]
    assert points_of(figure, 1, "slm_d", weak)[0] == pytest.approx([200.01, 300.01, 500.01])
    assert points_of(figure, 1, "slm_d", strong)[0] == pytest.approx([500.01, 600.01, 800.01])
    said = [text.get_text() for text in figure.axes[1].texts]
    assert sorted(said) == ["SLM", "SLM-d 100", "SLM-d 200", "SLM-d 400", "SLM-mix", "SLM-pn"]


def test_figures_10_11_and_14(drawn: Drawn) -> None:
    clusters = drawn("ablations", "10").figure
    assert [text.get_text() for text in clusters.axes[1].texts] == ["k = 256", "k = 1,024", "k = 64", "k = 16"]
    assert points_of(clusters, 0, "slm_is")[0] == pytest.approx([100.01, 200.01, 400.01])
    assert len(clusters.axes) == 2 and "14.4" in words(clusters)
    assert next(text.get_text() for text in drawn("ablations", "11").figure.axes[1].texts) == "k = 64"
    for name, expected in (("14a", [17.2, 15.7, 15.1]), ("14c", [11.6, 10.9, 10.3])):
        assert points_of(drawn("ablations", name).figure, 0, "llm_lora")[1] == pytest.approx(expected)
        assert [text.get_text() for text in drawn("ablations", name).figure.axes[1].texts] == ["LLM", "LLM-lora"]


@pytest.mark.parametrize("name", [name for name in VARIANT_FIGURES if name != "5"])
def test_a_study_without_variants_has_no_figure_of_them(paper_results: Results, name: str) -> None:
    with pytest.raises(UserError, match=f"ablations: figure {name} shows variants of .*, of which this study has none"):
        make_figure(name, paper_results.evidence)


def test_the_figures_of_a_study_are_those_of_its_variants() -> None:
    assert figures_of(plan_of()) == []
    assert figures_of(plan_of(("slm_is_k16", "llm_lora", "slm_pn_h8"))) == ["10", "14a", "14b", "14c"]
    assert figures_of(plan_of(ABLATIONS)) == VARIANT_FIGURES
    assert {name.rstrip("abc") for name in VARIANT_FIGURES} == set(FAMILIES)
    assert set(MAIN_FIGURES) | set(VARIANT_FIGURES) == set(FIGURES)


def test_a_variant_that_was_not_measured_is_named() -> None:
    truth = Truth(
        extra=("slm_is_k16", "slm_is_k1024"), without=lambda name: name.method == "slm_is_k16" and name.domain == "law"
    )
    figure = make_figure("10", results_of(truth).evidence)
    assert all(axes.get_title(loc="left").startswith("INCOMPLETE") for axes in figure.axes)
    assert "slm_is_k16 on law test, n1000, b100" in words(figure)
    assert [text.get_text() for text in figure.axes[1].texts] == ["k = 256", "k = 1,024"]
