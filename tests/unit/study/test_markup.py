"""HTML from Markdown, reStructuredText and tables: what is a number is marked as one, and nothing gets through."""

from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speclm.study.markup import from_markdown, from_rst, from_table, listed

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)"> &amp; "quoted"'


class Tags(HTMLParser):
    """The tags, attributes and text of a piece of HTML, as a browser reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_table_of_markdown() -> None:
    html = from_markdown("# Card\n\n| name | n |\n|---|--:|\n| a \\| b | 12 |\n| " + "long " * 12 + "| - |\n")
    assert "<h3>Card</h3>" in html
    assert '<div class="wide"><table>' in html and html.count("</table></div>") == 1
    assert '<th class="number">n</th>' in html and '<td class="number">12</td>' in html
    assert "<td>a | b</td>" in html
    assert '<td class="text">' in html
    assert "style=" not in html


def test_a_table_of_numbers() -> None:
    frame = pd.DataFrame(
        {
            "word": ["holds", "b"],
            "count": [17, 2_447_024_062_464],
            "share": [0.123456789, float("nan")],
            "large": [float("inf"), 1234.5],
        }
    )
    html = from_table(frame, {"holds": "good"})
    assert '<td class="good">holds</td>' in html
    assert '<td class="number">17</td>' in html
    assert '<td class="number" data-value="2447024062464">2.45T</td>' in html
    assert '<td class="number" data-value="0.12345679">0.12346</td>' in html
    assert '<td class="number">-</td>' in html
    assert '<td class="number">inf</td>' in html
    assert '<td class="number" data-value="1234.5">1,234</td>' in html


@pytest.mark.parametrize("make", [from_markdown, from_rst, lambda text: from_table(pd.DataFrame({text: [text]}))])
def test_nothing_of_a_text_becomes_markup(make: object) -> None:
    seen = Tags(str(make(EVIL)))  # type: ignore[operator]
    assert not {"script", "img"} & set(seen.tags)
    assert "<script>alert(1)</script>" in seen.text


@pytest.mark.parametrize(
    "text", ["![x](http://a.b/c.png)", "[x](javascript:alert(1))", "<style>p{}</style>", '<a href="javascript:1">x</a>']
)
def test_markdown_fetches_nothing_and_runs_nothing(text: str) -> None:
    seen = Tags(str(from_markdown(text)))
    assert not {"script", "img", "style"} & set(seen.tags)
    assert not any("javascript" in str(value) for _, value in seen.attributes)


def test_restructured_text_reads_no_file_and_takes_no_html() -> None:
    html = from_rst(".. include:: /etc/passwd\n\n.. raw:: html\n\n   <script>1</script>\n\nAfter **all**.")
    assert "root:" not in html
    assert "<script" not in html
    assert "<strong>all</strong>" in html


@given(st.text(max_size=40))
def test_a_cell_reads_as_it_was_written(text: str) -> None:
    seen = Tags(str(from_table(pd.DataFrame({"a": [text]}))))
    assert seen.text == f"a\n\n{text}\n"
    assert seen.tags == ["div", "table", "thead", "tr", "th", "tbody", "tr", "td"]


def test_listed() -> None:
    assert listed(["a", None, "b", "a"]) == "a, b"
    assert listed([]) == "-"
