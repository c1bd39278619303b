"""The report of the smoke run as a reader opens it: alone, without a network, on a desk and on a phone."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.browser import open_browser, requests_of
from e2e.conftest import Clone
from speclm.stage.files import read_json, read_table
from speclm.study.peers import PEERS
from speclm.study.style import title_of

DESK, PHONE = (1280, 900), (390, 844)
SECTIONS = (
    *("answer", "claims", "scale", "results", "costs"),
    *("assumptions", "data", "models", "measurements", "environment"),
)


@pytest.fixture(scope="module", params=[DESK, PHONE], ids=["desk", "phone"])
def opened(
    smoke: Clone, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Any, str, int]]:
    """The page in a browser, the address that it has there, and the width of the screen."""
    width, height = request.param
    folder = tmp_path_factory.mktemp("reader")
    page = Path(shutil.copy(smoke.results / "report.html", folder / "report.html"))
    with open_browser(folder / "profile", width, height) as browser:
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        browser.execute_cdp_cmd("Network.enable", {})
        nothing = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", nothing)
        requests_of(browser)
        browser.get(page.as_uri())
        yield browser, page.as_uri(), width
        browser.save_screenshot(str(folder / "screen.png"))


def column(browser: Any, table: str, head: str) -> list[str]:
    """The cells of a table below a head, in the order in which they are shown."""
    script = """
        const table = document.querySelector(`#${arguments[0]} table`);
        const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
        return [...table.tBodies[0].rows].map((row) => row.cells[heads.indexOf(arguments[1])].textContent);
    """
    found: list[str] = browser.execute_script(script, table, head)
    return found


def click(browser: Any, table: str, head: str) -> str:
    """Click on the head of a column; returns how the table is sorted then."""
    path = f"//*[@id='{table}']//th[button[normalize-space()='{head}']]"
    cell = browser.find_element("xpath", path)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", cell)
    cell.find_element("tag name", "button").click()
    return str(cell.get_attribute("aria-sort"))


def wait(browser: Any) -> None:
    """Until the page has looked at its sizes again."""
    browser.execute_async_script(
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 50)))"
    )


def luminance(colour: list[float]) -> float:
    """Relative luminance of red, green and blue from 0 to 255 (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour[:3])]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], two: list[float]) -> float:
    """Of two colours, from 1 to 21 (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


def first_number(cell: str) -> float:
    return float(cell.split()[0].replace(",", ""))


def test_it_stands_alone(opened: tuple[Any, str, int]) -> None:
    """Nothing but the page itself was asked for, its policy stopped nothing of its own, no script failed."""
    browser, address, _ = opened
    assert requests_of(browser) == [address]
    assert browser.get_log("browser") == []


def test_every_section_and_its_link(opened: tuple[Any, str, int]) -> None:
    browser, _, _ = opened
    assert (
        tuple(section.get_attribute("id") for section in browser.find_elements("css selector", "section")) == SECTIONS
    )
    for name in SECTIONS:
        link = browser.find_element("css selector", f"nav a[href='#{name}']")
        browser.execute_script("arguments[0].scrollIntoView({inline: 'center'})", link)
        link.click()
        top = browser.execute_script("return document.getElementById(arguments[0]).getBoundingClientRect().top", name)
        bottom = browser.execute_script("return document.body.scrollHeight - window.innerHeight - window.scrollY")
        assert 0 <= top < 120 or bottom < 2, name


def test_every_figure_is_decoded_captioned_and_can_be_had(opened: tuple[Any, str, int], smoke: Clone) -> None:
    browser, _, _ = opened
    figures = browser.find_elements("css selector", "figure")
    assert len(figures) == len(list(smoke.results.glob("figures/*.png"))) == 16
    for figure in figures:
        image = figure.find_element("tag name", "img")
        assert browser.execute_script("return arguments[0].complete && arguments[0].naturalWidth", image) > 500
        name = figure.get_attribute("id")
        finding = title_of(smoke.results / f"figures/{name}.png")
        caption = figure.find_element("tag name", "figcaption").text
        assert caption.startswith(f"{finding}.") and f"Figure {name.removeprefix('figure_')}." in caption
        assert image.get_attribute("alt").startswith(f"{finding}. Figure ")
        links = figure.find_elements("css selector", "a[download]")
        assert [Path(link.get_attribute("download")).suffix for link in links] == [".png", ".pdf", ".tsv"]
        for link in links:
            content = base64.b64decode(link.get_attribute("href").partition("base64,")[2])
            assert content == (smoke.results / "figures" / link.get_attribute("download")).read_bytes()


def test_every_table_can_be_sorted(opened: tuple[Any, str, int]) -> None:
    browser, _, _ = opened
    counts = browser.execute_script(
        "return [...document.querySelectorAll('table')].map(t => [t.querySelectorAll('th').length, "
        "t.querySelectorAll('th[aria-sort] > button').length])"
    )
    assert len(counts) > 30
    assert all(heads == buttons > 0 for heads, buttons in counts)


def test_a_click_sorts_by_numbers_a_second_turns_it_round_a_third_restores_it(opened: tuple[Any, str, int]) -> None:
    browser, _, _ = opened
    before = column(browser, "table_8", "generic")
    numbers, missing = sorted(first_number(cell) for cell in before if cell != "-"), before.count("-")
    assert len(numbers) > 5 and missing > 0
    for direction, expected in {"ascending": numbers, "descending": numbers[::-1]}.items():
        assert click(browser, "table_8", "generic") == direction
        now = column(browser, "table_8", "generic")
        assert [first_number(cell) for cell in now[: len(numbers)]] == expected
        assert now[len(numbers) :] == ["-"] * missing
    assert click(browser, "table_8", "generic") == "none"
    assert column(browser, "table_8", "generic") == before


def test_words_and_shortened_numbers_are_sorted_by_what_they_mean(opened: tuple[Any, str, int], smoke: Clone) -> None:
    browser, _, _ = opened
    click(browser, "topic_2", "claim")
    claims = column(browser, "topic_2", "claim")
    assert len(claims) == 6 and claims == sorted(claims, key=first_number)  # 2. before 15.
    browser.execute_script("document.getElementById('all_costs').open = true")
    for direction, reverse in {"ascending": False, "descending": True}.items():
        assert click(browser, "all_costs", "FLOPs for 50 domains") == direction
        shown = browser.execute_script(
            "return [...document.querySelector('#all_costs table').tBodies[0].rows]"
            ".map(row => row.cells[row.cells.length - 1]).map(cell => cell.dataset.value || cell.textContent)"
        )
        expected = sorted(read_table(smoke.results / "costs.tsv")["total_50"], reverse=reverse)
        assert [float(value) for value in shown] == pytest.approx(expected, rel=1e-7)


def test_nothing_is_clipped_and_wide_tables_scroll_within_themselves_with_a_cue(opened: tuple[Any, str, int]) -> None:
    browser, _, width = opened
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    wait(browser)
    root = browser.execute_script("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
    assert root[0] == root[1] <= width
    outside = browser.execute_script(
        "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.wide, pre, script') && "
        "e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert outside == []
    # tables stand in a box that scrolls, which says so where it has to
    assert browser.execute_script("return document.querySelectorAll('table').length") == browser.execute_script(
        "return document.querySelectorAll('.wide > table').length"
    )
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('.wide')].map(e => [e.scrollWidth > e.clientWidth + 1, "
        "e.classList.contains('scrolls'), e.previousElementSibling.matches('.cue') && "
        "e.previousElementSibling.offsetHeight > 0, getComputedStyle(e).overflowX])"
    )
    assert all(wide == marked == cue and overflow == "auto" for wide, marked, cue, overflow in boxes)
    wide = browser.execute_script(
        "return [...document.querySelectorAll('.wide')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert wide > (10 if width < 500 else 0)
    moved = browser.execute_script(
        "const e = document.querySelector('#all_metrics .wide'); e.scrollLeft = 200; return e.scrollLeft"
    )
    assert moved == 200
    size = browser.execute_script("return parseFloat(getComputedStyle(document.querySelector('p')).fontSize)")
    assert size >= 16


def test_figures_fit_and_can_be_enlarged(opened: tuple[Any, str, int]) -> None:
    browser, _, width = opened
    script = "return [...document.querySelectorAll('figure img')].map(e => e.getBoundingClientRect().width)"
    assert max(browser.execute_script(script)) <= min(width - 32, 960)
    button = browser.find_element("css selector", "#figure_trend .enlarge")
    assert button.is_displayed() == (width < 500)
    if width < 500:
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        wait(browser)
        assert browser.execute_script(script)[1] == 960  # after figure 1
        assert browser.find_element("css selector", "#figure_trend .cue").is_displayed()
        root = browser.execute_script("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
        assert root[0] == root[1]
        button.click()
        wait(browser)
        assert browser.execute_script(script)[1] < width


def test_in_the_dark_the_page_is_dark_and_figures_lie_on_white(opened: tuple[Any, str, int]) -> None:
    browser, _, _ = opened
    colours = """
        const of = (name, kind) => getComputedStyle(document.querySelector(name))[kind].match(/[0-9.]+/g).map(Number);
        return [of('body', 'backgroundColor'), of('body', 'color'), of('th', 'backgroundColor'), of('a', 'color'),
                of('.decided', 'color'), of('.card', 'backgroundColor')];
    """
    for scheme in ("dark", "light"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        paper, ink, head, link, quiet, card = browser.execute_script(colours)
        assert (luminance(paper) < 0.1) == (scheme == "dark") == (luminance(head) < 0.1)
        assert min(contrast(paper, colour) for colour in (ink, link, quiet)) > 4.5
        assert card == [255, 255, 255]


def test_what_is_read_there(opened: tuple[Any, str, int], smoke: Clone) -> None:
    """A number of every section, as the files have it."""
    browser, _, _ = opened
    text = {name: browser.find_element("id", name).get_attribute("textContent") for name in SECTIONS}
    claims = read_table(smoke.results / "claims.tsv")
    assert all(claim in text["claims"] for claim in claims["claim"])
    assert "clusters.seed" in text["assumptions"]
    splits = read_json(smoke.results / "splits/report.json")["splits"]
    assert f"{splits['generic/train']['characters']:,}" in text["data"]
    metrics = read_table(smoke.results / "metrics.tsv")
    assert f"{metrics['parameters_serve'].max():,}" in text["measurements"]
    assert text["models"].count("What it reaches") == (7 + len(PEERS)) * 2
    record = json.loads((smoke.results / "environment.json").read_text())
    assert all(version in text["environment"] for versions in record["versions"].values() for version in versions)
    assert {stage["stage"] for stage in record["stages"]} >= {"pretrain_model", "make_table", "collect_documents"}
    assert all(stage["stage"] in text["environment"] for stage in record["stages"])


def test_the_study_of_the_variants_has_its_own(smoke: Clone) -> None:
    page = (smoke.results / "ablations/report.html").read_text()
    for expected in ('<figure id="figure_7">', '<article id="sensitivity">', '<article id="clusters">', "slm_pn_k16"):
        assert expected in page
