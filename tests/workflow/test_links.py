"""Every link of the documentation leads to a file and a heading that are there; pages are short and begin with their
contents; the checklists are answered in full."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = "workflow/documentation"
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / FOLDER).glob("*.md"))
FRONT = ("README.md", "CONTRIBUTING.md", "results/README.md", "results/published/README.md", "config/README.md")
CHECKLISTS = f"{FOLDER}/checklists.md"
MOST = 250  # lines of a page
ANSWERS = {"yes", "no", "partly", "not applicable"}


def links(page: str) -> list[str]:
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", (ROOT / page).read_text())


def headings(page: Path) -> set[str]:
    """The addresses of a page's headings, as code hosts make them."""
    titles = re.findall(r"^#+ +(.+)$", page.read_text(), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*FRONT, *PAGES])
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.resolve().is_relative_to(ROOT) and target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("page", ["config/README.md", *PAGES])
def test_a_page_is_short_and_begins_with_its_contents(page: str) -> None:
    text = (ROOT / page).read_text()
    assert text.startswith("# ") and len(text.splitlines()) < MOST
    sections = re.findall(r"^## (.+)$", text, flags=re.M)
    contents = text.partition("On this page:")[2].partition("\n\n")[0]
    assert re.findall(r"\[(.+?)\]\(#", contents) == sections


def test_every_page_is_linked_from_their_list() -> None:
    linked = {f"{FOLDER}/{link}" for link in links(f"{FOLDER}/README.md")}
    assert linked >= set(PAGES) - {f"{FOLDER}/README.md"}


def test_the_four_doors_and_the_checklists_are_linked() -> None:
    doors = {f"{FOLDER}/{name}.md" for name in ("reviewers", "students", "practitioners", "clusters", "guide")}
    assert doors <= {link.partition("#")[0] for link in links("README.md")}
    assert "checklists.md" in links(f"{FOLDER}/reviewers.md")


@pytest.mark.parametrize(
    ("heading", "points"),
    [
        ("NeurIPS paper checklist", [f"{number}. " for number in range(1, 17)]),
        (
            "ACM artifact badges (version 1.1)",
            [
                *("Artifacts Available", "Artifacts Evaluated: Functional", "Artifacts Evaluated: Reusable"),
                *("Results Reproduced", "Results Replicated"),
            ],
        ),
        ("Papers with Code: ML code completeness", [f"{number}. " for number in range(1, 6)]),
    ],
)
def test_every_point_is_answered_with_its_evidence(heading: str, points: list[str]) -> None:
    section = (ROOT / CHECKLISTS).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:2] == "| "]
    assert [row[0][: len(point)] for row, point in zip(rows[1:], points, strict=True)] == points
    for point, answer, where in rows[1:]:
        assert answer in ANSWERS, point
        assert where and (answer != "partly" or "](" in where), point
    assert sum("](" in row[2] for row in rows[1:]) > 0.6 * len(points)
