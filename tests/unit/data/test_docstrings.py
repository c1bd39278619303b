from __future__ import annotations

import pytest

from speclm.data.docstrings import parse_docstrings, read_installed_docs
from speclm.stage.errors import UserError

CODE = '''"""Module."""
class A:
    """Class A.

        Indented.
    Again.
    """
    if True:
        def f(self):
            """First f."""
    else:
        def f(self):
            """Second f."""
async def g():
    def inner():
        """Inner."""
    x = """not a docstring"""
'''


def test_docstrings_have_qualified_names_in_the_order_of_the_code() -> None:
    assert list(parse_docstrings(CODE)) == [
        ("", "Module."),
        ("A", "Class A.\n\n    Indented.\nAgain."),
        ("A.f", "First f."),
        ("A.f#2", "Second f."),
        ("g.inner", "Inner."),
    ]


def test_code_of_another_grammar_gives_nothing() -> None:
    assert list(parse_docstrings('"""Doc."""\nprint "python 2"\n')) == []


def test_installed_docs_are_repeatable_and_have_unique_ids() -> None:
    first = list(read_installed_docs(("threadpoolctl", "cycler"), 50))
    assert first == list(read_installed_docs(("cycler", "threadpoolctl"), 50))
    assert len({document["id"] for document in first}) == len(first) > 10
    assert all(len(document["text"]) >= 50 for document in first)
    assert [document["origin"].split("==")[0] for document in first] == sorted(
        document["origin"].split("==")[0] for document in first
    )


def test_a_missing_package_or_version_is_refused_with_the_remedy() -> None:
    with pytest.raises(UserError, match=r"no-such-package is not installed(.|\n)*Remedy: install envs/lock.txt"):
        list(read_installed_docs(("no-such-package",), 1))
    with pytest.raises(UserError, match=r"cycler is installed in version .*, not 0\.0\.1"):
        list(read_installed_docs(("cycler==0.0.1",), 1))
