"""The bootstrap against closed forms: ratio estimator, pairing, seeds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.stage.errors import UserError
from speclm.study.bootstrap import Bootstrap, Statistic, draw, mean, of_seeds, resample
from speclm.study.plan import KEY, Measurement
from unit.study.made_up import Results

BOOTSTRAP = Bootstrap(replicates=2000, seed=1, level=0.95)
ONE = Measurement("slm", "none", "law", 10, 5, 17, "test")
TWO = ONE._replace(method="llm")


def table(**nll_of: np.ndarray) -> pd.DataFrame:
    names = {"slm": ONE, "llm": TWO}
    frames = []
    for method, nll in nll_of.items():
        frame = pd.DataFrame({"document": np.arange(len(nll)), "nll": nll, "tokens": np.arange(len(nll)) % 3 + 1})
        frames.append(frame.assign(**names[method]._asdict())[[*KEY, "document", "nll", "tokens"]])
    return pd.concat(frames, ignore_index=True)


def test_estimate_is_the_ratio_of_sums() -> None:
    nll = np.array([3.0, 1.0, 4.0, 1.0])
    assert draw(table(slm=nll), BOOTSTRAP)[ONE].estimate == pytest.approx(9 / 7)


def test_spread_is_that_of_a_ratio_estimator() -> None:
    generator = np.random.default_rng(0)
    nll = (np.arange(400) % 3 + 1) * generator.normal(3, 0.5, size=400)
    tokens = np.arange(400) % 3 + 1
    ratio = nll.sum() / tokens.sum()
    expected = np.sqrt(((nll - ratio * tokens) ** 2).sum()) / tokens.sum()
    assert draw(table(slm=nll), BOOTSTRAP)[ONE].values[0, 1:].std() == pytest.approx(expected, rel=0.05)


def test_models_of_one_domain_are_paired() -> None:
    generator = np.random.default_rng(0)
    nll = generator.normal(3, 1, size=60)
    draws = draw(table(slm=nll + 0.25 * (np.arange(60) % 3 + 1), llm=nll), BOOTSTRAP)
    assert (draws[ONE] - draws[TWO]).interval(0.95) == pytest.approx((0.25, 0.25, 0.25))


def test_other_documents_are_refused() -> None:
    frame = table(slm=np.ones(5), llm=np.ones(5))
    with pytest.raises(UserError, match="other documents"):
        draw(frame.iloc[:-1], BOOTSTRAP)
    frame.loc[7, "tokens"] = 9
    with pytest.raises(UserError, match="other documents"):
        draw(frame, BOOTSTRAP)


def test_another_domain_changes_no_draw() -> None:
    alone = table(slm=np.arange(1.0, 9.0))
    more = pd.concat([alone.assign(domain="art"), alone], ignore_index=True)
    assert np.array_equal(draw(alone, BOOTSTRAP)[ONE].values, draw(more, BOOTSTRAP)[ONE].values)


@given(st.integers(1, 30), st.integers(0, 5))
def test_every_replicate_draws_as_many_as_there_are(size: int, seed: int) -> None:
    weights = resample(size, Bootstrap(20, seed, 0.95), "any")
    assert weights.shape == (21, size)
    assert (weights.sum(axis=1) == size).all() and (weights[0] == 1).all()


def constant(value: float) -> Statistic:
    return Statistic(np.full((1, 2001), value))


def test_seeds_widen_the_interval() -> None:
    assert of_seeds([constant(3.0)]).interval(0.95) == (3.0, 3.0, 3.0)
    estimate, low, high = of_seeds([constant(3.0), constant(5.0)]).interval(0.95)
    assert estimate == 4.0
    assert (high - low) / 2 == pytest.approx(12.7062)  # Student's t of one degree of freedom; the error is 1


def test_bounds_keep_to_their_side() -> None:
    """Of "at least 3" and "at most 2" the difference is at least 1, the other way round at most -1."""
    least, most = Statistic(np.full((1, 9), 3.0), at_least=True), Statistic(np.full((1, 9), 2.0), at_most=True)
    assert (least - most).interval(0.95) == (1.0, 1.0, np.inf)
    assert (most - least).shift(1).interval(0.95) == (0.0, -np.inf, 0.0)
    assert mean([least, most]).interval(0.95) == (2.5, -np.inf, np.inf)
    assert (least * 2 - least.shift(1)).interval(0.95) == (2.0, -np.inf, np.inf)
    assert of_seeds([least, least - least]).at_most


def test_what_is_missing_spreads() -> None:
    absent = Statistic(np.full((1, 3), np.nan), ("slm on law",))
    total = mean([Statistic(np.ones((1, 3))), absent])
    assert (total - Statistic(np.ones((1, 3)))).missing == ("slm on law",)
    assert np.isnan(total.interval(0.95)).all()


def test_macro_average_is_the_mean_over_domains(paper_results: Results) -> None:
    macro = paper_results.evidence.macro("slm_pn", 1000, 400)
    assert np.exp(macro.estimate) == pytest.approx(17.17)
    assert np.exp(paper_results.evidence.generic("llm", 200).estimate) == pytest.approx(15.58)


def test_methods_are_paired_over_seeds_too() -> None:
    """One that is ahead by the same with every seed is ahead for certain, however much the seeds differ."""
    levels = (3.0, 4.5, 3.7)
    first, second = of_seeds([constant(x) for x in levels]), of_seeds([constant(x + 0.2) for x in levels])
    assert first.interval(0.95)[2] - first.interval(0.95)[1] > 1
    assert (second - first).interval(0.95) == pytest.approx((0.2, 0.2, 0.2))
