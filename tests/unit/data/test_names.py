"""Names that would meet are refused."""

import pytest

from speclm.data.names import check_domain_names, own_name, plain_name
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
