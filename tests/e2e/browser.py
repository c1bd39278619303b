"""The distribution's Chromium, without a screen: what a reader sees. It is installed where apt can, else tests skip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.packages import UnavailableError, find, require

PACKAGES, PROGRAMS = ["chromium", "chromium-driver"], ["chromium", "chromedriver"]
# Nothing but the page asked for is fetched: without these, Chromium looks for its maker's hosts at every start.
QUIET = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@contextmanager
def open_browser(profile: Path, width: int = 1400, height: int = 1000) -> Iterator[Any]:
    """A Selenium driver with an empty profile."""
    try:
        require(PROGRAMS, PACKAGES)
    except UnavailableError as reason:
        pytest.skip(f"no Chromium: {reason}")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = find(PROGRAMS[0])
    for flag in [*QUIET, f"--user-data-dir={profile}", f"--window-size={width},{height}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(find(PROGRAMS[1])))
    try:
        yield browser
    finally:
        browser.quit()


def requests_of(browser: Any) -> list[str]:
    """The addresses that the browser has asked for since the last call, but those that hold what they name."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [sent["params"]["request"]["url"] for sent in messages if sent["method"] == "Network.requestWillBeSent"]
    return [address for address in asked if not address.startswith("data:")]
