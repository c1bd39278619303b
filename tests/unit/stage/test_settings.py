"""Settings are strict, and a refusal says what was probably meant."""

from dataclasses import dataclass
from typing import Literal

import pytest

from speclm.stage.errors import UserError
from speclm.stage.settings import from_mapping


@dataclass(frozen=True)
class Inner:
    rate: float


@dataclass(frozen=True)
class Outer:
    k: int
    kind: Literal["lsi", "minilm"]
    inner: Inner
    sizes: tuple[int, ...]
    note: str | None = None


GOOD = {"k": 3, "kind": "lsi", "inner": {"rate": 1}, "sizes": [1, 2]}


def test_a_mapping_becomes_the_dataclass() -> None:
    assert from_mapping(Outer, GOOD, "c.yaml") == Outer(3, "lsi", Inner(1.0), (1, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"siezs": [1]}, r'c\.yaml: unknown key "siezs": did you mean "sizes"\?'),
        ({"inner": {"rat": 1}}, r'c\.yaml: inner: unknown key "rat": did you mean "rate"\?'),
        ({"inner": {}}, r'inner: key "rate" is missing'),
        ({"k": "3"}, r"k: '3' is not of type int"),
        ({"k": True}, "k: True is not of type int"),
        ({"kind": "lsa"}, r'kind: "lsa": did you mean "lsi"\?'),
        ({"sizes": [1, "2"]}, "sizes: '2' is not of type int"),
    ],
)
def test_a_wrong_mapping_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_mapping(Outer, {**GOOD, **change}, "c.yaml")
