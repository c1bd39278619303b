"""Names that would meet are refused."""

import itertools

import pytest

from speclm.data.names import check_domain_names, held_apart, kept_out, own_name, plain_name
from speclm.stage.errors import UserError


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "a"], '"a" is named twice'),
        (["generic"], 'cannot be called "generic"'),
        *(([name], f'cannot be called "{name}"') for name in ("placed", "own", "all", "expert0", "expert12")),
        *(([name], "cannot be the name of a folder") for name in ("own/a", "a|b", "a.b", "", "-", "é")),
    ],
)
def test_domain_names_are_checked(names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_domain_names(names)


def test_an_own_domain_has_a_name_that_no_domain_of_a_study_can_have() -> None:
    assert plain_name(own_name("all")) == "all" and plain_name("sympy") == "sympy"
    with pytest.raises(UserError):
        check_domain_names([own_name("all")])


SPLITS = [
    "generic/train/00000",
    "generic/heldout",
    *(f"{d}/{s}" for d in ("law", "tax") for s in ("train", "valid", "test")),
]


def test_what_a_split_of_a_study_is_freed_of() -> None:
    measured = ["generic/heldout", "law/valid", "law/test", "tax/valid", "tax/test"]
    assert kept_out("law/train", SPLITS) == kept_out("generic/train/00000", SPLITS) == measured
    assert kept_out("law/valid", SPLITS) == ["law/test"]
    assert kept_out("law/test", SPLITS) == kept_out("generic/heldout", SPLITS) == []


def test_what_a_user_s_own_domain_is_freed_of() -> None:
    """The generic text has been trained on."""
    splits = ["own/law/train", "own/law/valid", "own/law/test", "generic/train/00000", "generic/heldout"]
    assert kept_out("own/law/train", splits) == ["own/law/valid", "own/law/test", "generic/heldout"]
    assert kept_out("own/law/valid", splits) == ["own/law/test", "generic/train/00000"]
    assert kept_out("own/law/test", splits) == ["generic/train/00000"]


@pytest.mark.parametrize("splits", [SPLITS, ["own/law/train", "own/law/valid", "own/law/test", *SPLITS[:2]]])
def test_of_two_splits_that_are_held_apart_one_is_freed_of_the_other(splits: list[str]) -> None:
    for name, other in itertools.combinations(splits, 2):
        made_here = [split for split in (name, other) if splits is SPLITS or split.startswith("own/")]
        freed = [split for split in made_here if {name, other} & set(kept_out(split, splits))]
        assert len(freed) == (held_apart(name, other) if made_here else 0)
