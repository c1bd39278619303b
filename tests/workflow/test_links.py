"""Every link of the documentation leads to a file and a heading that are there; the checklists are answered in full."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "results/README.md", "config/README.md", "workflow/documentation.md")
CHECKLISTS = "workflow/checklists.md"
ANSWERS = {"yes", "no", "partly", "not applicable"}


def links(page: str) -> list[str]:
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", (ROOT / page).read_text())


def headings(page: Path) -> set[str]:
    """The addresses of a page's headings, as code hosts make them."""
    titles = re.findall(r"^#+ +(.+)$", page.read_text(), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, CHECKLISTS])
def test_every_link_leads_somewhere(page: str) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.resolve().is_relative_to(ROOT) and target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_the_checklists_are_linked() -> None:
    assert CHECKLISTS in links("README.md")


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
