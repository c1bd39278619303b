"""The rules, from parts to verdicts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.bootstrap import Statistic
from speclm.study.parts import Part
from speclm.study.verdicts import (
    FAILS,
    HOLDS,
    ONE_SEED,
    PARTLY,
    UNDECIDED,
    blamed,
    combine,
    corrected_level,
    judge_claim,
    judge_parts,
    kind_of,
    verdict_of,
)

VERDICTS = st.lists(st.sampled_from([HOLDS, FAILS, UNDECIDED]), min_size=1)
UNKNOWN = Statistic(np.full((3, 9), np.nan), ("slm on law",))


def known(*seeds: float) -> Statistic:
    """A margin that documents do not move."""
    return Statistic(np.repeat(np.array(seeds)[:, np.newaxis], 9, axis=1))


GOOD, BAD, OPEN = known(0.2, 0.2, 0.2), known(-0.2, -0.2, -0.2), known(-0.1, 0.1, 0.2)


def claim(*margins: Statistic, any_of: bool = False) -> tuple[str, float | None]:
    """The verdict over parts of these margins, and the estimate of the part that decides."""
    parts = [Part(f"part {place}", (margin,)) for place, margin in enumerate(margins)]
    verdict, deciding = judge_claim(judge_parts(parts, 0.95, len(margins[0].values), any_of), any_of)
    return verdict, deciding.estimate if deciding else None


def test_the_rule_for_a_part() -> None:
    assert verdict_of(0.1, 0.2, 5) == HOLDS
    assert verdict_of(-0.2, -0.1, 5) == FAILS
    assert verdict_of(-0.1, 0.2, 5) == verdict_of(float("-inf"), 0.2, 5) == UNDECIDED
    assert verdict_of(0.1, 0.2, 1) == ONE_SEED
    assert verdict_of(0.1, 0.2, 1, measured=False) == verdict_of(np.nan, np.nan, 5) == UNDECIDED


def test_all_parts_must_hold() -> None:
    assert claim(GOOD, GOOD.shift(1)) == (HOLDS, pytest.approx(0.2))
    assert claim(GOOD, BAD, OPEN) == ("holds in 1 of 3 parts", pytest.approx(-0.2))
    assert claim(OPEN, BAD) == (FAILS, pytest.approx(-0.2))
    assert claim(OPEN, OPEN) == (UNDECIDED, pytest.approx(0.2 / 3))
    assert claim(GOOD, UNKNOWN) == ("holds in 1 of 2 parts", pytest.approx(0.2))
    assert claim(UNKNOWN) == (UNDECIDED, None)


def test_one_part_is_enough_where_something_exists() -> None:
    assert claim(GOOD, BAD, any_of=True) == (HOLDS, pytest.approx(0.2))
    assert claim(BAD, BAD.shift(-1), any_of=True) == (FAILS, pytest.approx(-0.2))
    assert claim(OPEN, BAD, any_of=True)[0] == claim(UNKNOWN, BAD, any_of=True)[0] == UNDECIDED


def test_one_seed_decides_nothing() -> None:
    assert claim(known(0.2), known(-0.2)) == (ONE_SEED, pytest.approx(-0.2))
    assert claim(known(0.2), known(0.3), any_of=True) == (ONE_SEED, pytest.approx(0.3))


def test_a_part_is_as_strong_as_its_weakest_margin() -> None:
    both = Part("within 0.3", (GOOD, BAD))
    (judged,) = judge_parts([both], 0.95, 3, any_of=False)
    assert (judged.estimate, judged.verdict) == (pytest.approx(-0.2), FAILS)


def test_many_chances_are_corrected_for() -> None:
    """Seeds at 1, 2 and 3 are above 0 at 90 %; as one of ten parts where any would do they are not."""
    margin = known(1.0, 2.0, 3.0)
    assert corrected_level(0.9, 10) == pytest.approx(0.99)
    assert claim_at(0.9, [margin], any_of=True) == HOLDS
    assert claim_at(0.9, [margin] * 10, any_of=True) == UNDECIDED
    assert claim_at(0.9, [-margin], any_of=False) == FAILS
    assert claim_at(0.9, [-margin] * 10, any_of=False) == UNDECIDED


def claim_at(level: float, margins: list[Statistic], any_of: bool) -> str:
    return judge_claim(judge_parts([Part("", (margin,)) for margin in margins], level, 3, any_of), any_of)[0]


def test_a_condition_decides_what_would_hold() -> None:
    def verdict(condition: Statistic, margin: Statistic) -> tuple[str, str]:
        parts = [Part("apart", (condition,), condition="hardly apart"), Part("close", (margin,))]
        found, deciding = judge_claim(judge_parts(parts, 0.95, 3, any_of=False), any_of=False)
        return found, deciding.part.text if deciding else ""

    assert verdict(GOOD, GOOD) == (HOLDS, "close")
    assert verdict(BAD, GOOD) == verdict(OPEN, GOOD) == verdict(UNKNOWN, GOOD) == (UNDECIDED, "apart")
    assert verdict(BAD, BAD) == (FAILS, "close")


@given(VERDICTS, st.booleans(), st.booleans())
def test_the_rule_for_a_claim(verdicts: list[str], any_of: bool, refuted: bool) -> None:
    found = combine(verdicts, any_of, refuted and FAILS in verdicts)
    held = verdicts.count(HOLDS)
    assert (found == HOLDS) == (held > 0 if any_of else held == len(verdicts))
    assert (kind_of(found) == PARTLY) == (not any_of and 0 < held < len(verdicts))
    assert found != FAILS or (FAILS in verdicts and not held)


def test_what_all_that_fails_is_about() -> None:
    def blame(*parts: tuple[Statistic, tuple[str, ...]]) -> str:
        return blamed(judge_parts([Part("", (margin,), about) for margin, about in parts], 0.95, 3, any_of=False))

    mixed, projected = ("SLM-mix", "SLM"), ("SLM-pn", "SLM")
    assert blame((GOOD, projected), (BAD, mixed), (OPEN, mixed), (GOOD, mixed)) == "SLM-mix"
    assert blame((GOOD, projected), (BAD, mixed), (GOOD, ("SLM-pn", "LLM"))) == "SLM-mix"
    assert blame((BAD, projected), (BAD, mixed), (GOOD, mixed)) == ""
    assert blame((GOOD, projected)) == blame((BAD, projected)) == blame((BAD, mixed), (BAD, mixed)) == ""
