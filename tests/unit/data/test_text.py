"""Cleaning changes how a text is written, not what it says."""

import inspect
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.data.text import clean, same_text_key, unindent


def test_clean_normalises_line_ends_accents_and_blanks() -> None:
    assert clean("Cafe\u0301  \r\n\n\n\n\nbar\x00\t\n") == "Caf\u00e9\n\nbar"


SPECIAL = " \t\n\r\x00\x0b\x0c\x1c\x1f\x7f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\ufeffa\u00e9"


@given(st.text(st.sampled_from(SPECIAL)))
def test_what_is_removed_is_what_the_expressions_say(text: str) -> None:
    expected = re.sub(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "\n", re.sub(r"\r\n?", "\n", text)).replace("\x1f", " ")
    expected = re.sub(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\ufeff]", "", expected)
    expected = re.sub(r"[^\S\n]+$", "", expected, flags=re.MULTILINE)
    assert clean(text) == re.sub(r"\n{3,}", "\n\n", expected).strip("\n")


def test_what_divides_words_keeps_them_apart() -> None:
    """All that Python or Unicode take for white space."""
    marks = [mark for mark in map(chr, range(sys.maxunicode)) if mark.isspace()]
    assert {"\u2028", "\u2029", "\x85", "\f", "\v", "\x1c", "\x1f"} < set(marks)
    assert {tuple(clean(f"one{mark}two").split()) for mark in marks} == {("one", "two")}


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text())
def test_cleaning_keeps_every_printable_word(text: str) -> None:
    printable = "".join(c if c.isascii() and (c.isprintable() or c == "\n") else "x" for c in text)
    assert clean(printable).split() == printable.split()


@pytest.mark.parametrize(
    "doc", ["One line.", "First.\n\n    Indented.\n        More.\n    ", "\n    Lead.\n\n    End."]
)
def test_unindent_agrees_with_the_standard_library_on_ordinary_docstrings(doc: str) -> None:
    assert clean(unindent(doc)) == clean(inspect.cleandoc(doc))


def test_texts_equal_up_to_case_and_white_space_have_one_key() -> None:
    assert same_text_key("A  b\nC") == same_text_key("a b c")
    assert same_text_key("ab c") != same_text_key("a bc")
