"""The page: all files within it, its policy lets its own script run and nothing else."""

import base64
import hashlib
import re
from pathlib import Path

from markupsafe import Markup

from speclm.study.page import Picture, Section, Text, embed, render

LOOKS = Path(__file__).parents[3] / "workflow/report"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def page(folder: Path) -> str:
    for name, content in {"figure_3.png": PNG, "figure_3.pdf": b"%PDF made up", "claims.tsv": b"claim\n"}.items():
        (folder / name).write_bytes(content)
    picture = Picture(
        "figure_3",
        Markup("<p>What is <em>seen</em></p>"),
        (folder / "figure_3.png", folder / "figure_3.pdf"),
        "A < B",
    )
    text = Text("claims", "A < B", Markup("<p>They hold.</p>"), (folder / "claims.tsv",))
    folded = Text("all", "All of it", Markup("<p>Much.</p>"), folded=True)
    sections = [Section("results", "Results", [picture, text]), Section("rest", "R & D", [folded])]
    return render("The <study>", Markup("<p>Intro.</p>"), sections, LOOKS)


def test_files_are_within(tmp_path: Path) -> None:
    html = page(tmp_path)
    links = dict(re.findall(r'<a href="(data:[^"]+)" download="([^"]+)"', html))
    assert {name: base64.b64decode(link.partition("base64,")[2]) for link, name in links.items()} == {
        "figure_3.pdf": b"%PDF made up",
        "claims.tsv": b"claim\n",
    }
    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}" alt="A &lt; B. What is seen">' in html
    assert '<a class="shown" download="figure_3.png">' in html


def test_titles_are_escaped_and_sections_are_linked(tmp_path: Path) -> None:
    html = page(tmp_path)
    assert "<title>The &lt;study&gt;</title>" in html and "<h3>A &lt; B</h3>" in html
    assert '<a href="#rest">R &amp; D</a>' in html and '<section id="rest">' in html
    assert "<summary>All of it</summary>" in html


def test_the_policy_names_the_script_and_the_style_and_nothing_else(tmp_path: Path) -> None:
    html = page(tmp_path)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    rules = dict(rule.split(" ", 1) for rule in policy[1].replace("&#39;", "'").split("; "))
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    for tag, rule in {"script": "script-src", "style": "style-src"}.items():
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert " style=" not in html and " onclick=" not in html


def test_nothing_is_fetched(tmp_path: Path) -> None:
    html = page(tmp_path)
    for address in re.findall(r'(?:src|href)="([^"]*)"', html):
        assert address.startswith(("data:", "#")), address[:80]
    assert "@import" not in html and "url(" not in html


def test_embed(tmp_path: Path) -> None:
    path = tmp_path / "a.tex"
    path.write_text("\\alpha")
    assert embed(path) == "data:application/x-tex;base64," + base64.b64encode(b"\\alpha").decode()
