"""Every claim on results on which it must hold, must fail, and cannot be told; at equal cost and at equal tokens."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.study.claims import COLUMNS, PART_COLUMNS, Judgement, judge, judge_one
from speclm.study.paper_claims import CLAIMS, TOPICS
from speclm.study.plan import Measurement
from speclm.study.verdicts import FAILS, HOLDS, ONE_SEED, PARTLY, UNDECIDED, kind_of
from unit.study.made_up import ABLATIONS, Results, Truth, paper_cost, paper_nll, results_of

NUMBERS = [claim.number for claim in CLAIMS]
SEEDS = (17, 18, 19)


def chance(name: Measurement, deviation: float = 0.001) -> float:
    """What this seed's training adds."""
    return float(np.random.default_rng([ord(letter) for letter in str(name)]).normal(0, deviation))


def trained(name: Measurement) -> float:
    return paper_nll(name) + chance(name)


def shifted(
    *, by: float, where: Callable[[Measurement], bool], extra: tuple[str, ...] = (), seeds: tuple[int, ...] = SEEDS
) -> Truth:
    return Truth(nll=lambda name: trained(name) + by * where(name), extra=extra, seeds=seeds)


def no_reversal(name: Measurement) -> float:
    """Well apart, and in the same order before fine-tuning and after."""
    place = ("slm", "slm_mix", "slm_pn").index(name.method) if name.method in ("slm", "slm_mix", "slm_pn") else 3
    return 2.5 + 0.3 * place - 0.0005 * name.budget + 0.7 * (name.size == 0)


def cheap_tuning(name: Measurement) -> dict[str, float]:
    """Fine-tuning cost grows by two per eight times the text."""
    return {**paper_cost(name), "flops_to_best": {0: 0.0, 1000: 1.0, 8000: 2.0, 64000: 4.0}[name.size]}


def varied_tuning(name: Measurement) -> dict[str, float]:
    """On one domain it grows by 100, on the others not at all."""
    growth = {0: 0.0, 1000: 1.0, 8000: 10.0, 64000: 10000.0}[name.size] if name.domain == "web" else 1.0
    return {**paper_cost(name), "flops_to_best": growth}


def alike(name: Measurement) -> float:
    """No method is better than another, at any size and budget."""
    return 3.0 + chance(name, 1.0)


IMPORTANCE_WORSE = shifted(by=0.5, where=lambda name: name.method == "slm_is")
LARGE_WORSE = shifted(by=1.0, where=lambda name: name.method == "llm")
SUPPORTED = Truth(nll=trained, extra=ABLATIONS, seeds=SEEDS)
GAPS = replace(SUPPORTED, without=lambda name: (name.domain == "law" and name.size > 0) or name.split == "heldout")
REFUTED = {
    1: shifted(by=-5.0, where=lambda name: name.method == "slm_nopt"),
    2: LARGE_WORSE,
    3: shifted(by=0.5, where=lambda name: name.method == "slm_pn" and name.size == 1000),
    4: shifted(by=0.5, where=lambda name: name.method == "slm_mix" and name.size == 8000),
    5: shifted(by=-0.5, where=lambda name: name.method == "slm_pn" and name.size == 64000),
    6: Truth(nll=no_reversal, seeds=SEEDS),
    7: IMPORTANCE_WORSE,
    8: LARGE_WORSE,
    9: shifted(by=0.5, where=lambda name: name.method == "slm_d"),
    10: IMPORTANCE_WORSE,
    11: shifted(by=0.5, where=lambda name: name.method == "slm_pn_k64", extra=("slm_pn_k16", "slm_pn_k64")),
    12: shifted(by=-0.2, where=lambda name: name.selection == "best_finetuned"),
    13: IMPORTANCE_WORSE,
    14: shifted(by=0.5, where=lambda name: name.method in ("slm_is_k64", "slm_is"), extra=ABLATIONS),
    15: shifted(by=-0.5, where=lambda name: name.method in ("slm_pn", "slm_mix") and name.domain == "web"),
    16: Truth(nll=trained, cost=cheap_tuning, seeds=SEEDS),
    17: shifted(by=0.2, where=lambda name: name.method == "llm_lora", extra=ABLATIONS),
}
WHOLLY = (6, 8, 13, 14, 16, 17)  # claims of which no part holds there


def verdict_of(truth: Truth, number: int) -> dict[str, Any]:
    return judge_one(number, results_of(truth).evidence)[0]


@pytest.fixture(scope="module")
def judged() -> Judgement:
    """The paper's numbers, of three seeds with all variants."""
    return judge(results_of(SUPPORTED).evidence)


@pytest.fixture(scope="module")
def noisy() -> pd.DataFrame:
    return judge(results_of(Truth(nll=alike, extra=ABLATIONS, cost=varied_tuning, seeds=SEEDS)).evidence).claims


@pytest.mark.parametrize("number", NUMBERS)
def test_holds_on_the_papers_numbers(judged: Judgement, number: int) -> None:
    row = judged.claims.iloc[number - 1]
    assert row["verdict"] == HOLDS, row["note"]
    assert 0 < row["low"] <= row["measured"] <= row["high"]
    assert row["seeds"] == 3 and row["parts_held"] <= row["parts"]


@pytest.mark.parametrize("number", NUMBERS)
def test_fails_where_the_opposite_is_true(number: int) -> None:
    row = verdict_of(REFUTED[number], number)
    assert kind_of(str(row["verdict"])) == (FAILS if number in WHOLLY else PARTLY), row["note"]
    assert row["high"] < 0


@pytest.mark.parametrize("number", NUMBERS)
def test_cannot_tell_in_noise(noisy: pd.DataFrame, number: int) -> None:
    """Of many parts one or the other may come out by chance; the claim does not."""
    row = noisy.iloc[number - 1]
    assert kind_of(row["verdict"]) in (UNDECIDED, PARTLY), row["note"]
    assert noisy["parts_held"].sum() <= 0.1 * noisy["parts"].sum()


@pytest.mark.parametrize("number", NUMBERS)
def test_one_seed_tells_of_no_order(number: int) -> None:
    """The same numbers of one seed are shown, and decide nothing."""
    row, parts = judge_one(number, results_of(replace(SUPPORTED, seeds=(17,))).evidence)
    assert row["verdict"] == ONE_SEED
    assert 0 < row["low"] <= row["measured"] <= row["high"]
    assert {part["verdict"] for part in parts} == {ONE_SEED}


@pytest.mark.parametrize(("number", "absent"), [(11, "SLM-pn with"), (14, "SLM-is with"), (17, "LLM with LoRA")])
def test_what_was_not_run_is_named(paper_results: Results, number: int, absent: str) -> None:
    row, _ = judge_one(number, paper_results.evidence)
    assert row["verdict"] == UNDECIDED
    assert str(row["note"]).startswith(f"not measured: {absent}")
    assert np.isnan(row["measured"])


@pytest.mark.parametrize("number", NUMBERS)
def test_no_claim_holds_without_its_measurements(number: int) -> None:
    """With one domain's measurements missing, what would hold is not said to hold."""
    row = verdict_of(GAPS, number)
    assert kind_of(str(row["verdict"])) in (UNDECIDED, PARTLY), row["note"]
    assert "not measured" in str(row["note"])


def test_the_studys_number_of_experts_is_best_at_equal_cost() -> None:
    """Where the most experts are hardly dearer, and so best at equal cost as well, that part does not hold."""
    factors = {"slm_pn_k16": 0.999, "slm_pn_k64": 1.001}

    def cost(name: Measurement) -> dict[str, float]:
        own = paper_cost(name._replace(method=name.method.partition("_k")[0]))
        return {key: factors.get(name.method, 1.0) * flops for key, flops in own.items()}

    row = verdict_of(Truth(nll=trained, extra=("slm_pn_k16", "slm_pn_k64"), cost=cost, seeds=SEEDS), 11)
    assert row["verdict"] == "holds in 3 of 4 parts"
    assert "SLM-pn with 32 experts below SLM-pn with 64 at equal cost" in row["note"]


def test_the_studys_own_number_of_experts_must_lie_between() -> None:
    """Without fewer and more experts than its own there is nothing to be best of."""
    for extra in (("slm_pn_k16",), ("slm_pn_k64",)):
        row = verdict_of(Truth(extra=extra), 11)
        assert row["verdict"] == UNDECIDED
        assert row["note"] == "not measured: SLM-pn with fewer and with more experts than the study's (ablations)"


def test_every_number_of_experts_counts() -> None:
    """The decisive pair is named by its numbers, the study's own among them."""
    worse = shifted(by=0.1, where=lambda name: name.method == "slm_pn_k64", extra=ABLATIONS)
    assert "SLM-pn with 64 experts below SLM-pn with 32, pretrained for as" in verdict_of(worse, 11)["note"]


def test_weak_teachers_do_not_count() -> None:
    """A teacher of a quarter of the largest budget may fail; one of half may not. Both count with every student."""
    for teacher, expected in (("slm_d_t100", HOLDS), ("slm_d_t200", PARTLY)):
        worse = shifted(by=0.3, where=lambda name: name.method == teacher, extra=ABLATIONS)  # noqa: B023
        row = verdict_of(worse, 9)
        assert kind_of(row["verdict"]) == expected
    assert "slm_d_t200 below SLM after fine-tuning on 1,000 tokens" in row["note"]


def test_shared_methods_beat_a_student_at_all_that_it_costs(judged: Judgement) -> None:
    """Only where they were run for as much: a student of 400 and its teacher cost 800, which nothing else does."""
    parts = judged.parts.loc[judged.parts["claim"] == 9, "part"]
    of_cost = parts[parts.str.contains("at all that SLM-d costs")].tolist()
    assert len(of_cost) == 2 and all("at the budget of 200 with its teacher" in part for part in of_cost)


def test_every_lora_counts() -> None:
    row = verdict_of(Truth(nll=trained, extra=("llm_lora",), seeds=SEEDS), 17)
    assert row["verdict"] == HOLDS
    assert row["note"].startswith("decided by: LLM-lora and LLM within 0.5 at 14.4")


def test_one_claim_by_its_number(judged: Judgement) -> None:
    evidence = results_of(SUPPORTED).evidence
    row, parts = judge_one(7, evidence)
    assert row["measured"] == pytest.approx(judged.claims.iloc[6]["measured"])
    assert len(parts) == row["parts"] == (judged.parts["claim"] == 7).sum()
    with pytest.raises(UserError, match='no claim 18: did you mean "claim_8'):
        judge_one(18, evidence)


def test_margins_are_the_papers() -> None:
    """Weakest or strongest parts, from table 8."""
    claims = judge(results_of(Truth()).evidence).claims
    expected = {2: 17.13 / 17.00, 3: 17.56 / 17.17, 4: 14.48 / 14.42, 6: 19.31 / 18.22, 8: 15.58 / 15.49}
    for number, ratio in expected.items():
        assert claims.iloc[number - 1]["measured"] == pytest.approx(np.log(ratio)), number
    assert claims.iloc[15]["measured"] == pytest.approx(np.log(2))  # growth 10 lies ln 2 from 5 and from 20


def test_missing_measurements_never_hold_and_are_named() -> None:
    absent = Measurement("slm_pn", "most_frequent", "web", 1000, 200, 18, "test")
    truth = replace(SUPPORTED, extra=(), without=lambda name: name == absent)
    row = verdict_of(truth, 3)
    assert row["verdict"] == "holds in 6 of 8 parts"
    assert "slm_pn (most_frequent) on web test, n1000, b200, seed18" in row["note"]
    refuted = shifted(by=5.0, where=lambda name: name.method in ("slm_pn", "slm_mix"))
    assert verdict_of(replace(refuted, without=truth.without), 3)["high"] < 0


def test_nothing_measured_of_a_method() -> None:
    without = ("slm_d", "slm_pn", "slm_mix")
    claims = judge(results_of(Truth(seeds=SEEDS, without=lambda name: name.method in without)).evidence).claims
    assert set(claims.loc[[2, 3, 8, 9, 11, 12, 14], "verdict"]) == {UNDECIDED}
    assert all("not measured" in note for note in claims.loc[[2, 3, 8, 9, 11, 12, 14], "note"])


def test_one_budget_shows_no_crossing() -> None:
    evidence = results_of(replace(SUPPORTED, extra=())).evidence
    claims = judge(replace(evidence, plan=replace(evidence.plan, budgets=(400,)))).claims
    assert [kind_of(verdict) for verdict in claims.loc[[2, 3, 4], "verdict"]] == [PARTLY, UNDECIDED, UNDECIDED]
    assert "a second budget" in claims.loc[3, "note"]


def test_cheaper_than_measured_is_a_bound(judged: Judgement) -> None:
    """SLM-is at 400 / 50 was not run: its cheapest run bounds it."""
    row = judged.claims.iloc[9]
    assert "the true margin is at least this" in row["note"] and row["high"] == np.inf


def test_dearer_than_measured_is_a_bound() -> None:
    """SLM-is of at most 200 against SLM-pn of 400: all that is known is that it would be no worse with 400."""
    evidence = results_of(replace(SUPPORTED, extra=())).evidence
    _, parts = judge_one(10, replace(evidence, plan=replace(evidence.plan, domain_budgets=(100, 200))))
    assert parts[0]["note"] == "the true margin is at least this"
    assert parts[0]["measured"] == pytest.approx(np.log(17.17 / 15.5), abs=0.01) and parts[0]["high"] == np.inf


def test_one_expert_is_compared_where_costs_overlap() -> None:
    """A half of 100, 200 or 400 against SLM-is of 100 to 400: no bound where one can do without."""
    evidence = results_of(replace(SUPPORTED, extra=())).evidence
    row, parts = judge_one(13, evidence)
    assert [part["note"] for part in parts] == ["", ""] and np.isfinite(row["low"])
    _, (part,) = judge_one(13, replace(evidence, plan=replace(evidence.plan, domain_budgets=(400,))))
    assert part["low"] == -np.inf and part["verdict"] == UNDECIDED and "at most" in str(part["note"])


def test_importance_sampling_stands_at_its_own_largest_budget() -> None:
    evidence = results_of(SUPPORTED).evidence
    plan = replace(evidence.plan, domain_budgets=(100, 200))
    row, parts = judge_one(7, replace(evidence, plan=plan))
    assert parts[0]["measured"] == pytest.approx(np.log(18.22 / 15.5), abs=0.01)
    assert row["verdict"] == "holds in 15 of 16 parts" and "SLM-is below LLM" in str(row["note"])
    family, _ = judge_one(14, replace(evidence, plan=plan))
    assert family["measured"] == pytest.approx(0.02, abs=0.005)


def test_equal_tokens_are_read_off_the_curve() -> None:
    """The LLM sees half of its budget: at 100 tokens it stands against the SLM of 100, which cost half as much."""
    evidence = results_of(replace(SUPPORTED, extra=())).evidence
    tokens = evidence.metrics["pretrain_tokens"].where(evidence.metrics["method"] != "llm", lambda seen: seen // 2)
    evidence = replace(evidence, metrics=evidence.metrics.assign(pretrain_tokens=tokens))
    row, parts = judge_one(8, evidence)
    by_text = {str(part["part"]): part for part in parts}
    first, second = (
        by_text[f"LLM below SLM before fine-tuning, at the {b}"] for b in ("smallest budget", "budget of 200")
    )
    assert np.isnan(first["measured_tokens"]) and first["verdict_tokens"] == ""
    slm, llm = evidence.macro("slm", 0, 100), evidence.macro("llm", 0, 200)
    assert second["measured_tokens"] == pytest.approx((slm - llm).estimate)
    assert second["measured"] == pytest.approx((evidence.macro("slm", 0, 200) - llm).estimate)
    assert row["verdict_tokens"]


def test_equal_tokens_say_nothing_of_cost(judged: Judgement) -> None:
    claims = judged.claims
    assert claims.loc[[9, 12, 15], "verdict_tokens"].tolist() == ["", "", ""]
    # all methods see as many tokens here, and what does not depend on them is the same
    both = claims.loc[[1, 2, 3, 4, 6, 7, 10, 11, 13, 14, 16]]
    assert (both["verdict_tokens"] == HOLDS).all()


def test_experts_that_have_not_parted_tell_nothing() -> None:
    def parted(nats: float) -> Truth:
        return Truth(nll=trained, seeds=SEEDS, cost=lambda name: {**paper_cost(name), "expert_spread": nats})

    row = verdict_of(parted(0.01), 12)
    assert row["verdict"] == UNDECIDED
    assert str(row["note"]).startswith("decided by: experts have hardly parted: SLM-pn: an expert taken by chance")
    assert verdict_of(parted(0.05), 12)["verdict"] == HOLDS
    unknown = verdict_of(parted(np.nan), 12)
    assert unknown["verdict"] == UNDECIDED and "have parted (expert_spread" in unknown["note"]


def test_finetuning_must_beat_as_many_steps_of_generic_text() -> None:
    """Where the control was run: it is a part of claim 1 for each size."""
    _, parts = judge_one(1, results_of(Truth(nll=trained, extra=("slm_more",), seeds=SEEDS)).evidence)
    of_control = [part for part in parts if "as many steps of more generic text" in str(part["part"])]
    assert len(of_control) == 3 and len(parts) == 9
    assert all(part["measured"] == pytest.approx(0.4, abs=0.01) for part in of_control)
    lower_rate = shifted(by=-0.5, where=lambda name: name.method == "slm_more", extra=("slm_more",))
    assert verdict_of(lower_rate, 1)["verdict"] == "holds in 6 of 9 parts"


def test_a_capped_finetuning_costs_at_least_what_was_seen() -> None:
    """Growth by two from a capped end may be by more; from a capped beginning it is by two at most."""

    def capped(size: int) -> Truth:
        return Truth(
            nll=trained, seeds=SEEDS, cost=lambda name: {**cheap_tuning(name), "capped": int(name.size == size)}
        )

    row = verdict_of(capped(64000), 16)
    assert row["verdict"] == UNDECIDED and "at least 2 times" in row["note"]
    row = verdict_of(capped(1000), 16)
    assert row["verdict"] == FAILS and "at most 2 times" in row["note"]


def test_one_method_does_not_sink_claims_about_others() -> None:
    worse = shifted(by=1.0, where=lambda name: name.method == "slm_mix")
    assert verdict_of(worse, 2)["verdict"] == "holds in 6 of 9 parts"
    row, parts = judge_one(15, results_of(worse).evidence)
    assert row["verdict"] == "holds in 3 of 4 parts"
    assert "every part that does not hold is about SLM-mix" in str(row["note"])
    assert {part["about"] for part in parts} == {"SLM-pn, SLM", "SLM-mix, SLM"}


def test_columns_and_numbers(judged: Judgement) -> None:
    assert judged.claims.columns.tolist() == COLUMNS and judged.parts.columns.tolist() == PART_COLUMNS
    assert set(COLUMNS) >= {"claim", "paper", "measured", "low", "high", "verdict"}
    assert [claim.number for claim in CLAIMS] == list(range(1, 18))
    assert {claim.topic for claim in CLAIMS} == set(TOPICS)
    assert set(judged.parts["claim"]) == set(NUMBERS)


def test_parts_are_for_readers(judged: Judgement) -> None:
    """No raw name of a method or of a way of choosing; every part names its methods, and no two are the same."""
    own = judged.parts.loc[~judged.parts["part"].str.contains("slm_d_t")]  # a made-up label
    assert not own["part"].str.contains("_").any()
    assert (judged.parts["about"] != "").all()
    assert not judged.parts.duplicated(["claim", "part"]).any()


def test_where_any_part_would_do_each_is_judged_more_strictly(judged: Judgement) -> None:
    levels = judged.parts.groupby("claim")["level"].agg(["first", "size"])
    for number, (level, parts) in levels.iterrows():
        assert level == pytest.approx(1 - 0.05 / parts if number in (6, 14) else 0.95)
