"""Random streams have names: equal names, equal numbers; other names, other numbers."""

from hypothesis import given
from hypothesis import strategies as st

from speclm.stage.streams import rng, torch_seed

names = st.lists(st.text(alphabet="abc", max_size=3), max_size=3)


@given(st.integers(0, 2**31), names, names)
def test_streams_are_equal_exactly_when_their_names_are(seed: int, first: list[str], second: list[str]) -> None:
    same = rng(seed, *first).integers(2**62) == rng(seed, *second).integers(2**62)
    assert same == (first == second)


def test_a_stream_stays_what_it_was() -> None:
    # The value of 2026-11: a change here changes every result ever published.
    assert rng(17, "importance", "sympy").integers(2**62) == 132115469387480458
    assert 0 <= torch_seed(17, "start") < 2**63
