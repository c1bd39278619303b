"""The ledger is arithmetic: Ctotal(N) = Cgeneric + N x Cspecialization."""

import pandas as pd
import pytest

from speclm.study.cost import ledger, total
from unit.study.made_up import Results


def test_total_cost_over_tasks() -> None:
    shared, own = pd.Series([100.0, 0.0]), pd.Series([2.0, 60.0])
    assert total(shared, own, 1).tolist() == [102.0, 60.0]
    assert total(shared, own, 50).tolist() == [200.0, 3000.0]


def test_ledger_of_a_run(paper_results: Results) -> None:
    table = ledger(paper_results.metrics).set_index(["method", "selection", "budget", "size"])
    pn = table.loc[("slm_pn", "most_frequent", 400, 8000)]
    assert (pn["flops_generic"], pn["flops_specialize"]) == (400.0, pytest.approx(0.1))
    assert pn["total_7"] == pytest.approx(400.7)
    own = table.loc[("slm_is", "none", 400, 8000)]
    assert own["flops_generic"] == 0 and own["total_50"] == pytest.approx(50 * 400.1)
    assert table.loc[("slm_nopt", "none", 0, 8000), "total_1"] == pytest.approx(0.1)
