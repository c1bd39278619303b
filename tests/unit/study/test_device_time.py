"""Device time from counted FLOPs and the stated relative cost."""

from dataclasses import replace

import pytest

from speclm.study.device_time import TIME, in_device_time
from speclm.study.evidence import Evidence
from speclm.study.plan import Measurement
from unit.study.made_up import ABLATIONS, Results, Truth, paper_cost, results_of

# FLOPs of one token of pretraining, as multiples of the SLM's
FLOPS = {"llm": 5.0, "slm_pn": 1.2, "slm_pn_k64": 1.2, "slm_mix": 2.0}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """A budget is device time: the LLM's holds five times the FLOPs of the SLM's here, as if it were so much faster."""

    def cost(name: Measurement) -> dict[str, float]:
        found = paper_cost(name)
        base = 1e6 * FLOPS.get(name.method, 1.0)
        if name.method.startswith("slm_d"):
            teacher = found["flops_generic"] - name.budget
            return {**found, "flops_generic": 1e6 * (name.budget + 5.0 * teacher)}
        served = 5e6 if name.method.startswith("llm") else 1e6
        return {
            "flops_generic": base * found["flops_generic"],
            "flops_specialize": served * found["flops_specialize"],
            "flops_to_best": served * found["flops_to_best"],
        }

    return in_device_time(results_of(Truth(extra=ABLATIONS, cost=cost)).evidence)


def test_a_pretraining_takes_its_budget(evidence: Evidence) -> None:
    assert evidence.unit == TIME
    for method in ("slm", "llm", "slm_mix", "slm_pn"):
        assert evidence.costs(method, 1000, 200) == pytest.approx((200, 0.01))
    assert evidence.costs("slm_is", 1000, 200) == pytest.approx((0, 200.01))
    assert evidence.costs("slm_nopt", 8000, 400) == pytest.approx((0, 0.1))


def test_a_teachers_pretraining_is_charged_at_the_large_models_rate(evidence: Evidence) -> None:
    shared, _ = evidence.costs("slm_d", 1000, 200) or (0.0, 0.0)
    assert shared == pytest.approx(400)
    shared, _ = evidence.costs("slm_d_t100", 1000, 200) or (0.0, 0.0)
    assert shared == pytest.approx(300)


def test_a_variant_is_charged_at_the_rate_of_its_method(evidence: Evidence) -> None:
    """Twice the FLOPs for as many tokens take twice the time."""
    shared, _ = evidence.costs("slm_pn_k64", 1000, 200) or (0.0, 0.0)
    assert shared == pytest.approx(200 * 2.0)


def test_finetuning_to_the_best_validation(evidence: Evidence) -> None:
    growth = evidence.log_finetuning_cost("slm", 8000, 400) - evidence.log_finetuning_cost("slm", 1000, 400)
    assert growth.estimate == pytest.approx(2.302585)


def test_without_an_slm_costs_stay_as_they_are(paper_results: Results) -> None:
    e = paper_results.evidence
    other = replace(e, metrics=e.metrics.loc[e.metrics["method"] != "slm"])
    assert in_device_time(other) is other
