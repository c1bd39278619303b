"""Expected seconds of jobs against closed forms: work over speed, and no longer for a slower core than it takes."""

from dataclasses import replace

import pandas as pd
import pytest

from speclm.stage.graph import Node
from speclm.study.duration import SHARES, START, TRAINING_START, Seconds, expected_seconds, kind_of
from speclm.study.extent import Study
from speclm.study.speed import CORE_FLOPS, TEXT_SPEED, Speed
from speclm.study.work import work_of
from unit.study.test_work import CONFIG, STUDY

SPEED = Speed({"slm": 1e3, "slm_pn": 5e2, "llm": 2e3}, "given", core=0.5)
DURATIONS = pd.DataFrame({"rule": ["draw_figure"], "seconds": [7.0]})
TRAINING = Node("pretrain_model", {"method": "llm", "part": "all", "seed": "1"}, ())
TUNING = Node("specialize_model", {"method": "slm", "domain": "tax", "seed": "1"}, ())


def of(job: Node, study: Study = STUDY, speed: Speed = SPEED) -> Seconds:
    return expected_seconds(study, [job], speed, DURATIONS)[0]


def test_trainings_take_their_flops_with_looks_at_the_networks_speed() -> None:
    for job, network in ((TRAINING, "llm"), (TUNING, "slm")):
        work = work_of(STUDY, job.rule, job.wildcards)
        assert work is not None
        computed = (work.flops + work.looks) / SPEED.flops[network] / SHARES.get(job.rule, 1.0)
        assert of(job) == pytest.approx((computed, TRAINING_START / 0.5))


def test_reading_and_clustering_take_a_cores_time_and_what_is_not_counted_what_it_took() -> None:
    read = 1050 / 1e6 / TEXT_SPEED["collect_documents"]
    assert of(Node("collect_documents", {"dataset": "law"}, ())) == pytest.approx((0, (START + read) / 0.5))
    fitted = work_of(STUDY, "fit_clusters", {})
    assert fitted is not None
    assert of(Node("fit_clusters", {}, ())) == pytest.approx((0, (START + fitted.flops / CORE_FLOPS) / 0.5))
    assert of(Node("draw_figure", {}, ())) == (0, 14)
    assert of(Node("new", {}, ())) == (0, START / 0.5)


def test_budgets_twenty_times_as_large_take_twenty_times_as_long() -> None:
    """A study was once told "60 s", as were all whose run had another name."""
    section = CONFIG["pretrain"]
    more = {key: [20 * budget for budget in section[key]] for key in ("budgets", "domain_budgets")}
    large = replace(STUDY, config={**CONFIG, "run": "another", "pretrain": {**section, **more}})
    assert of(TRAINING, large).device == pytest.approx(20 * of(TRAINING).device, rel=0.05)


def test_a_machine_twice_as_fast_takes_half_the_time() -> None:
    fast = Speed({network: 2 * flops for network, flops in SPEED.flops.items()}, "given", core=1.0)
    for job in (TRAINING, TUNING, Node("train_tokenizer", {}, ()), Node("draw_figure", {}, ())):
        assert sum(of(job, speed=fast)) == pytest.approx(sum(of(job)) / 2)


def test_jobs_of_one_rule_and_method_err_alike() -> None:
    assert (kind_of(TRAINING), kind_of(Node("draw_figure", {"figure": "3"}, ()))) == (
        "pretrain_model llm",
        "draw_figure",
    )
