"""Names that would meet are refused."""

import pytest

from speclm.data.names import check_domain_names
from speclm.stage.errors import UserError


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "a"], '"a" is named twice'),
        (["generic"], 'cannot be called "generic"'),
        (["a", "placed"], 'cannot be called "placed"'),
    ],
)
def test_domain_names_are_checked(names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_domain_names(names)
