"""What a clean text is, and when two texts are the same.

Cleaning changes how a text is written, never what it says: Unicode NFC, one kind of line end (which pages, paragraphs
and lines are divided by too), no control characters, no blanks at line ends, at most one empty line in a row.

    clean("Cafe\\u0301  \\r\\n\\n\\n\\nbar\\x00\\fbaz")  ->  "Café\\n\\nbar\\nbaz"
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Control characters but for tab and line end, and byte order marks, go; what divides words becomes a line end or blank.
_REMOVED = dict.fromkeys([*range(9), *range(0xE, 0x1C), *range(0x7F, 0xA0), 0xFEFF])
_LINE_ENDS = dict.fromkeys([0xB, 0xC, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029], "\n")
_WRITTEN: dict[int, str | None] = {**_REMOVED, **_LINE_ENDS, 0x1F: " "}


def clean(text: str) -> str:
    """The cleaned text, without leading and trailing empty lines."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = text.translate(_WRITTEN).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join([line.rstrip() for line in lines])).strip("\n")


def unindent(text: str) -> str:
    """A docstring without the indentation it has from its place in the code: that of its first line, and what all
    further lines share. Written out because `inspect.cleandoc` is not the same in every Python version."""
    first, *rest = text.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip(" ")) for line in rest if line.strip()), default=0)
    return "\n".join([first.lstrip(" "), *(line[margin:] for line in rest)])


def same_text_key(text: str) -> bytes:
    """Sixteen bytes that are equal for texts equal up to case and white space."""
    return hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=16).digest()


def together(texts: Iterable[str], characters: int) -> Iterator[list[str]]:
    """The texts in order, in lists that end as soon as they have so many characters."""
    block, size = list[str](), 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= characters:
            yield block
            block, size = [], 0
    if block:
        yield block
