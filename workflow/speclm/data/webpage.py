"""The text of a web page, as a reader sees it: inscriptis lays it out, headings, lists and tables included.

What navigates (`<nav>`) and the page's foot (`<footer>`) are left out: they stand on every page of a site, and are no
part of what one says.

    "<nav>Home</nav><h1>Run</h1><pre>make\\n  demo</pre>"   ->   "Run\\n\\nmake\\n  demo"
"""

from __future__ import annotations

_NOT_READ = ("nav", "footer", "script", "style", "template")


def page_text(markup: str) -> str:
    """The text of an HTML document, or of a part of one; empty where there is none."""
    import lxml.etree
    import lxml.html
    from inscriptis import Inscriptis  # a quarter of a second, which other formats do not need

    try:
        # as bytes: a declaration of an encoding is not obeyed in what has been decoded
        page = lxml.html.fromstring(markup.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
    except lxml.etree.ParserError:  # no element at all
        return ""
    lxml.etree.strip_elements(page, *_NOT_READ, with_tail=False)
    for block in page.iter("pre"):
        lxml.etree.strip_tags(block, "*")  # whose line ends inscriptis does not keep
    return str(Inscriptis(page).get_text())
