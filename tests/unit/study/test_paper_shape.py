"""Results in the shape of the paper preset: nine domains, four budgets, its own points among ours, at device-hours.

The numbers are made up from the paper's of three domains and budgets, shifted by domain and beyond the last budget.
"""

from functools import cache

import pytest
import yaml
from matplotlib.figure import Figure

from speclm.stage.files import read_table
from speclm.study.cost import HOURS, with_hours
from speclm.study.evidence import Evidence, gather_evidence
from speclm.study.plan import GENERIC, Measurement, make_plan
from unit.study.drawing import assert_labels_apart, assert_within_page, make_figure, points_of
from unit.study.made_up import BUDGETS, DOMAINS, ROOT, SIZES, Truth, measure, paper_cost, paper_nll, timings_of

CONFIG = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
NINE, FOUR = CONFIG["domains"], CONFIG["pretrain"]["budgets"]


def known(name: Measurement) -> Measurement:
    """The made-up measurement that stands for one of the paper's shape."""
    domain = name.domain if name.domain == GENERIC else DOMAINS[NINE.index(name.domain) % 3]
    size = SIZES[CONFIG["specialize"]["sizes"].index(name.size)] if name.size else 0
    budget = BUDGETS[min(FOUR.index(name.budget), 2)] if name.budget else 0
    return name._replace(domain=domain, size=size, budget=budget)


def nll(name: Measurement) -> float:
    shift = 0.0 if name.domain == GENERIC else 0.05 * NINE.index(name.domain)
    return paper_nll(known(name)) + shift - (0.03 if name.budget == FOUR[-1] else 0.0)


def cost(name: Measurement) -> dict[str, float]:
    return {column: flops * FOUR[0] for column, flops in paper_cost(known(name)).items()}


@cache
def evidence() -> Evidence:
    study = {key: CONFIG[key] for key in ("methods", "domains", "seeds")}
    study |= {"sizes": CONFIG["specialize"]["sizes"], "budgets": FOUR, "domain_budgets": FOUR, "variants": []}
    study |= {"best_finetuned_sizes": CONFIG["specialize"]["best_finetuned_sizes"]}
    plan = make_plan(study, read_table(ROOT / "config/methods.tsv"))
    r = measure(plan, Truth(nll=nll, cost=cost))
    return gather_evidence(with_hours(r.metrics, timings_of(r)), r.documents, None, plan, r.evidence.bootstrap, HOURS)


@cache
def drawn(name: str) -> Figure:
    return make_figure(name, evidence(), overlaid=True)


@pytest.mark.parametrize("name", ["trend", "1", "3", "4d", "5", "6", "9c", "12", "13"])
def test_it_fits_the_page(name: str) -> None:
    assert not any(axes.get_title(loc="left").startswith("INCOMPLETE") for axes in drawn(name).axes)
    assert_within_page(drawn(name))
    assert_labels_apart(drawn(name))


def test_every_domain_has_its_panel() -> None:
    assert [axes.get_title(loc="left") for axes in drawn("12").axes] == NINE


def test_the_hours_are_the_papers() -> None:
    """The SLM's budgets are those of 100 to 600 GPU-hours, and the paper's points lie at the same."""
    hours, _ = points_of(drawn("3"), 0, "slm")
    assert hours == pytest.approx([100, 200, 400, 600], rel=0.01)
    hollow = [line for line in drawn("3").axes[0].get_lines() if line.get_markerfacecolor() == "white"]
    assert sorted({x for line in hollow for x in line.get_xdata()}) == [100, 200, 400, 600]
