"""The answer: the last row of each method, its lowest numbers in bold, each finding with its figure."""

import re

import pandas as pd

from speclm.study.answer import findings, main_table, methods_in_a_line, verdicts
from speclm.study.verdicts import HOLDS


def row(budget: float, model: str, *values: float) -> dict[str, object]:
    numbers = {}
    for name, value in zip(("generic", "before", "n1000"), values, strict=True):
        numbers |= {name: value, f"{name}_low": value - 1, f"{name}_high": value + 1}
    return {"budget": budget, "model": model, **numbers}


def test_the_main_table() -> None:
    nothing = float("nan")
    table = pd.DataFrame(
        [
            row(5e6, "SLM", 20, 21, 20),
            row(nothing, "SLM-nopt", nothing, nothing, 208),
            row(nothing, "n-gram", 7, 8, 9),
            row(20e6, "SLM", 13.3, 17.5, 17.2),
            row(5e6, "SLM-is", nothing, 22.9, 16.4),
        ]
    )
    html = str(main_table(table))
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", line) for line in html.splitlines() if "<td" in line]
    assert rows == [
        ["SLM", "13.3 [12.3, 14.3]", "17.5 [16.5, 18.5]", "17.2 [16.2, 18.2]"],
        ["SLM-nopt", "-", "-", "208 [207, 209]"],
        ["n-gram", "7.0 [6.0, 8.0]", "8.0 [7.0, 9.0]", "9.0 [8.0, 10.0]"],
        ["SLM-is", "-", "22.9 [21.9, 23.9]", "16.4 [15.4, 17.4]"],
    ]
    # n-grams are no methods of the paper
    assert re.findall(r'<td class="best">([^<]*)', html) == [rows[0][1], rows[0][2], rows[3][3]]
    assert "20M tokens of the SLM" in html and "<th>after 1k tokens</th>" in html


def test_findings_lead_to_their_figures() -> None:
    html = findings({"4b": "After 1k tokens: LLM < SLM", "9a": "not foremost", "5": ""})
    assert re.findall("<li>.*?</li>", html) == [
        '<li>After 1k tokens: LLM &lt; SLM. <a href="#figure_4b">Figure 4b</a></li>'
    ]
    assert findings({}) == ""


def test_methods_in_a_line() -> None:
    methods = pd.DataFrame({"method": ["slm", "llm"], "label": ["SLM", "LLM"], "description": ["small", "large"]})
    html = str(methods_in_a_line(methods, ["slm", "ngram", "slm"]))
    assert re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", html) == [
        ("SLM", "small"),
        ("n-gram", "Kneser-Ney 5-gram of the generic text and the domain&#39;s; no method of the paper"),
    ]


def test_a_verdict_with_what_decides_it() -> None:
    claim = {"claim": "13. One expert", "topic": "Importance sampling", "verdict": HOLDS, "seeds": 3}
    known = {"measured": 0.05, "low": 0.01, "high": 0.09, "note": "weakest part: SLM-is below"}
    html = str(verdicts(pd.DataFrame([{**claim, **known}]), {HOLDS: "good"}))
    assert '<span class="good">holds</span> <a href="#topic_3">13. One expert</a>' in html
    assert '<span class="decided">Weakest part: SLM-is below: +0.050 [+0.010, +0.090]</span>' in html
    assert html.count("<h4>") == 1
