"""The report of the published laptop study: every section, every result, and where it was made."""

import re
from html import unescape
from pathlib import Path

import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_json, read_table
from speclm.study.answer import FOREMOST
from speclm.study.environment import origin_environment
from speclm.study.overview import count_verdicts
from speclm.study.paper_claims import TOPICS
from speclm.study.report import MARKS, Captions, find_files, write_report
from speclm.study.style import title_of
from speclm.study.verdicts import kind_of
from unit.study.made_up import ROOT

LAPTOP = ROOT / "results/published/laptop"


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page."""
    folder, record = tmp_path_factory.mktemp("report"), read_json(LAPTOP / "run.json")
    (folder / "data_card.md").write_text("# Data card\n\n| corpus | licence |\n|---|---|\n| <law> | CC0 |\n")
    (folder / "cards/slm").mkdir(parents=True)
    (folder / "cards/slm/law.md").write_text(
        "---\nlicense: x\n---\n\n# SLM specialised to law\n\n## Limits\n\n- none\n"
    )
    files = find_files((folder, LAPTOP), ROOT)
    write_report(files, record["settings"], origin_environment(record), folder / "report.html")
    return (folder / "report.html").read_text()


def section(html: str, name: str) -> str:
    return html.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def test_every_section_is_there(html: str) -> None:
    names = re.findall(r'<section id="(\w+)">', html)
    expected = "answer claims scale results costs assumptions data models measurements environment"
    assert " ".join(names) == expected
    assert [name for name in names if f'<a href="#{name}">' not in html] == []


def test_no_two_places_have_one_address(html: str) -> None:
    places = re.findall(r' id="([^"]+)"', html)
    assert len(places) == len(set(places)) > 30


def test_the_answer_comes_first(html: str) -> None:
    """What it is, findings that lead to their figures, the methods, the main table, the map, verdicts with reasons."""
    shown = unescape(section(html, "answer"))
    assert re.findall(r'<(?:article|figure|details) id="(\w+)">', shown) == [
        *("findings", "methods", "main_table", "figure_1", "verdicts", "reading"),
    ]
    assert html.index("Need a Small Specialized Language Model?") < html.index('<section id="answer">')
    for name in FOREMOST:
        assert f'{title_of(LAPTOP / f"figures/figure_{name}.png")}. <a href="#figure_{name}">' in shown
    claims = read_table(LAPTOP / "claims.tsv")
    assert count_verdicts(claims) in shown
    for claim, verdict, note in zip(claims["claim"], claims["verdict"], claims["note"], strict=True):
        place = shown.partition(f">{claim}</a>")
        assert place[0].rpartition("<span class=")[2].startswith(f'"{MARKS[kind_of(verdict)]}">{verdict}</span>')
        assert place[2].startswith(f' <span class="decided">{note[:1].upper()}{note[1:]}')


def test_no_raw_names_beside_labels(html: str) -> None:
    """Settings and stages are called as the programs call them; methods and columns are not."""
    raw = r"\b(?:slm_\w+|llm|ngram_\w+|flops_\w+|pretrain_tokens|bits_per_byte|ms_per_token|seconds_\w+|total_\d+)\b"
    for name in ("answer", "claims", "scale", "results", "costs", "measurements"):
        words = re.sub(r"<[^>]*>", " ", section(html, name))
        assert re.findall(raw, words) == [], name


def test_claims_with_their_verdicts(html: str) -> None:
    claims, shown = read_table(LAPTOP / "claims.tsv"), unescape(section(html, "claims"))
    for claim, verdict in zip(claims["claim"], claims["verdict"], strict=True):
        row = shown.partition(f">{claim}</td>")[2]
        assert row.startswith(f'<td class="{MARKS[kind_of(verdict)]}">{verdict}</td>'), claim
    topics = re.findall(r"<h3>([^<]+)</h3>", shown)
    assert topics == list(TOPICS)


def test_parts_under_each_claim(html: str) -> None:
    parts, shown = read_table(LAPTOP / "claim_parts.tsv"), unescape(section(html, "claims"))
    assert sorted(map(int, re.findall(r'<details id="claim_(\d+)">', shown))) == list(range(1, 18))
    for number, rows in parts.groupby("claim"):
        table = shown.partition(f'<details id="claim_{number}">')[2].partition("</details>")[0]
        assert table.count("<tr>") == 1 + len(rows)
        assert all(f">{part}</td>" in table for part in rows["part"])
    assert 'download="claim_parts.tsv"' in shown


def test_every_figure_and_table_is_there(html: str) -> None:
    shown = section(html, "answer") + section(html, "results")
    assert re.findall(r'<figure id="figure_(\w+)">', shown)[:8] == ["1", "trend", "2", "3", "4a", "4b", "4c", "4d"]
    for path in sorted(LAPTOP.glob("figures/*.png")):
        place = shown.partition(f'<figure id="{path.stem}">')[2].partition("</figure>")[0]
        name = path.stem.removeprefix("figure_")
        assert f"<strong>Figure {name}.</strong>" in place
        assert all(f'download="{path.stem}.{form}"' in place for form in ("png", "pdf", "tsv"))
        assert f'alt="{title_of(path)}. Figure {name}.' in unescape(place)
        assert f'<p class="finding">{title_of(path)}.</p>' in unescape(place)
    for number in range(1, 11):
        place = shown.partition(f'<article id="table_{number}">')[2].partition("</article>")[0]
        assert f"<strong>Table {number}.</strong>" in place
        assert f'download="table_{number}.tsv"' in place and f'download="table_{number}.tex"' in place
        assert place.count("<tr>") == len(read_table(LAPTOP / f"tables/table_{number}.tsv")) + 1


def test_costs_assumptions_data_and_models(html: str) -> None:
    assert "Ctotal(N)" in section(html, "costs") and 'download="serving.tsv"' in section(html, "costs")
    assert "<code>clusters.seed</code>" in section(html, "assumptions")
    assert "<td>&lt;law&gt;</td>" in section(html, "data")
    assert "<summary>SLM specialised to law</summary>" in section(html, "models")
    assert "license: x" not in section(html, "models")


def test_where_it_was_made(html: str) -> None:
    record, shown = read_json(LAPTOP / "run.json"), section(html, "environment")
    assert record["commit"] in shown and record["processor"] in shown and record["started"] in shown
    assert re.search(r"<td>torch</td><td[^>]*>\d+\.\d+\.\d+\+cpu, \d+\.\d+\.\d+</td>", shown)


def test_every_caption_can_be_made() -> None:
    captions = Captions(ROOT / "workflow/report", read_json(LAPTOP / "run.json")["settings"], {})
    for path in sorted((ROOT / "workflow/report").glob("*.rst")):
        wildcards = {"figure": {"figure": "14a"}, "table": {"table": "8"}}.get(path.stem, {})
        html = captions.of(path.stem, **wildcards)
        assert html.startswith("<p>") and "system-message" not in html and "problematic" not in html, path.name


def test_what_cannot_be_done_without(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"claims\.tsv: is not there"):
        find_files((tmp_path,), ROOT)
