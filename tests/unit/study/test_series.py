"""What panels show as numbers: rows of the table, and which method stretches an axis."""

import numpy as np
import pytest

from speclm.study.curves import Curve, Panel, Point
from speclm.study.labels import End
from speclm.study.series import COLUMNS, Series, covered, outlying, rows_of, series_of, table_of
from speclm.study.style import LOOKS
from unit.study.made_up import Results


def of(method: str, *values: float) -> Series:
    """A curve at costs 1, 10, 100."""
    y = np.array(values)
    x = 10.0 ** np.arange(len(values))
    return Series(Curve(method, []), method, LOOKS[method], x, y, y, y)


def test_a_curve_in_numbers(paper_results: Results) -> None:
    e = paper_results.evidence
    curve = Curve("slm", [Point(e.generic_cost("slm", b), e.generic("slm", b)) for b in (100, 200)])
    series = series_of(e, curve)
    assert list(series.y) == pytest.approx([20.51, 19.71], abs=0.01)
    assert (series.low < series.y).all() and (series.y < series.high).all()
    assert list(series_of(e, curve, logs=True).y) == pytest.approx(np.log(series.y))
    assert series.end == End(200, series.y[1], "SLM", LOOKS["slm"])
    panel = Panel("Generic text", "Generic pretraining", [curve], paper={})
    table = table_of(rows_of(panel, [series], "Generic pretraining (FLOPs)"))
    assert list(table.columns) == list(COLUMNS)
    assert list(table["x"]) == [100, 200] and set(table["source"]) == {"measured"}
    assert set(table["y_axis"]) == {"macro perplexity (lower is better)"}


def test_the_last_measured_point_is_the_end() -> None:
    assert of("slm", 20, 18, float("nan")).end == End(10, 18, "slm", LOOKS["slm"])
    assert of("slm", float("nan")).end is None


def test_one_method_stretches_the_axis() -> None:
    near = [of("slm", 20, 17), of("slm_pn", 19, 16), of("llm", 17, 15)]
    assert outlying(near) == set()
    assert outlying([*near, of("slm_nopt", 208, 208)]) == {"slm_nopt"}
    assert outlying([*near, of("slm_mix", 24, 19)]) == set()
    assert outlying([of("slm", 20, 17), of("slm_nopt", 208, 208)]) == set()  # of two neither is the odd one


def test_covered_curves() -> None:
    low, near, apart = of("slm", 20, 17), of("slm_d", 20.01, 17.01), of("slm_pn", 20.01, 18)
    assert covered([low, near, apart], np.log(100), np.log(2)) == [1, 0, 0]
    assert covered([low, low], np.log(100), np.log(2)) == [0, 0]  # of one look, which would not be seen
