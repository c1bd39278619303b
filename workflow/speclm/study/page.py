"""One HTML page that stands alone: sections with text, tables and figures, nothing fetched, readable on a phone.

In: `Section`s, and the page's looks (workflow/report/page.*: a template, a style sheet, a script that sorts tables).
Out: the page. Figures and files are within it; its content security policy lets it fetch nothing, and run no other
script.

    Picture("figure_3", caption, (Path("figure_3.png"), Path("figure_3.pdf")))
        -> <figure><img src="data:image/png;base64,…">, with downloads of both
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

TYPES = {
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".tsv": "text/tab-separated-values",
    ".tex": "application/x-tex",
    ".md": "text/markdown",
    ".json": "application/json",
    ".txt": "text/plain",
}


@dataclass(frozen=True)
class Text:
    """Something to read: HTML with its title, and the files that it was made from, to download. `folded`: shown when
    asked for."""

    name: str
    title: str
    html: Markup
    files: tuple[Path, ...] = ()
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure with its finding and its caption; the first of its files, an image, is shown.

    Both are its text for those who do not see it.
    """

    name: str
    caption: Markup
    files: tuple[Path, ...]
    finding: str = ""


@dataclass(frozen=True)
class Section:
    """A chapter of the page; `name` is its place in the address."""

    name: str
    title: str
    parts: Sequence[Text | Picture]


def render(title: str, introduction: Markup, sections: Sequence[Section], looks: Path) -> str:
    """The page.

    Args:
        looks: the folder of page.html, page.css and page.js.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(looks),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["embed"] = embed
    environment.tests["picture"] = lambda part: isinstance(part, Picture)
    style, script = ((looks / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(
        title=title,
        introduction=introduction,
        sections=sections,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
    )


def embed(file: Path) -> str:
    """A file as an address that holds all of it."""
    content = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:{TYPES[file.suffix]};base64,{content}"


def _hash(text: str) -> str:
    """How a content security policy names the one text between two tags that it lets through."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
