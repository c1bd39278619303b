"""Points of metrics: every number of a journal and of a row, at its step; the macro perplexity as the paper has it."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.metrics import COST_COLUMNS, MEASURED_COLUMNS
from speclm.study.points import (
    SECONDS,
    Point,
    costs,
    curve,
    curves_of_pretraining,
    macro_perplexities,
    measured,
    repeatable,
)

KEYS = st.sampled_from(["loss", "validation", "gradient_norm", "tokens"])
LINES = st.lists(st.dictionaries(KEYS, st.floats(0, 10)), max_size=5)


@given(LINES)
def test_every_number_of_a_journal_is_a_point_at_its_step(lines: list[dict[str, float]]) -> None:
    numbered = [{"step": step, "expert": 3, **line} for step, line in enumerate(lines)]
    expected = [(f"train/{key}", value, step) for step, line in enumerate(lines) for key, value in line.items()]
    assert [tuple(point) for point in curve(numbered)] == expected


def test_rows_stand_over_the_budgets_or_alone() -> None:
    row = {**dict.fromkeys([*MEASURED_COLUMNS, *COST_COLUMNS], 2.0), **dict.fromkeys(SECONDS, 4.0), "budget": 300}
    assert Point("heldout/perplexity", 2.0, 300) in list(measured([row], "heldout", over_budgets=True))
    alone = list(costs([row], over_budgets=False))
    assert {point.step for point in alone} == {0}
    assert Point("cost/seconds_generic", 4.0, 0) in alone
    assert set(row) - set(repeatable(row)) == set(SECONDS)


def test_macro_perplexity_is_the_exponential_of_the_mean() -> None:
    rows = [("law", "slm", "none", 10, 100, 2.0), ("web", "slm", "none", 10, 100, 4.0)]
    rows += [("generic", "slm", "none", 0, 100, 1.0), ("law", "slm_pn", "best_finetuned", 10, 100, 2.0)]
    table = pd.DataFrame(rows, columns=["domain", "method", "selection", "size", "budget", "nll"])
    found = {point.key: (point.value, point.step) for point in macro_perplexities(table)}
    assert found == {
        "perplexity/slm/n10": (pytest.approx(math.exp(3)), 100),
        "perplexity/slm/generic": (pytest.approx(math.e), 100),
        "perplexity/slm_pn best_finetuned/n10": (pytest.approx(math.exp(2)), 100),
    }


def test_held_out_loss_stands_over_tokens_too_and_not_that_of_cooldowns() -> None:
    """Batches differ between methods; tokens do not."""
    lines = [
        {"step": 0, "tokens": 0, "validation": 6.2},
        {"step": 5, "tokens": 640, "loss": 6.0},
        {"step": 10, "tokens": 1280, "validation": 5.5},
        {"step": 10, "tokens": 1280, "validation": 5.1, "budget": 2000},
    ]
    points = [point for point in curves_of_pretraining(lines) if point.key.startswith("over_tokens")]
    assert points == [Point("over_tokens/heldout_nll", 6.2, 0), Point("over_tokens/heldout_nll", 5.5, 1280)]
