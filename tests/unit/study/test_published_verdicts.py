"""A run's verdicts beside those of the published study."""

from pathlib import Path

import pandas as pd

from speclm.stage.files import write_json, write_table
from speclm.study.claims import judge
from speclm.study.published_verdicts import beside_published
from speclm.study.record import RECORD
from unit.study.made_up import Truth, results_of


def test_each_claim_has_both_verdicts_in_its_line(tmp_path: Path) -> None:
    alone, several = (judge(results_of(Truth(seeds=seeds)).evidence).claims for seeds in ((17,), (17, 18, 19)))
    write_table(tmp_path / "claims.tsv", several)
    study = {"seeds": [17, 18, 19], "domains": ["sympy", "networkx"], "budgets": [5_000_000, 20_000_000]}
    write_json(tmp_path / RECORD, {"settings": {"study": study}})
    text = beside_published(alone, tmp_path)
    lines = text.splitlines()
    assert "3 seeds, 2 domains, budgets of 5M to 20M tokens" in text.replace("\n", " ")
    assert all(len(line) <= 100 for line in lines)
    for claim, verdict in zip(several["claim"], several["verdict"], strict=True):
        (line,) = [line for line in lines if line.startswith(claim[:30])]
        assert line.endswith(verdict)
        assert alone.set_index("claim")["verdict"][claim] in line


def test_a_claim_that_the_study_has_not_judged_is_said_so(tmp_path: Path) -> None:
    claims = pd.DataFrame({"claim": ["18. Something new"], "verdict": ["holds"]})
    write_table(tmp_path / "claims.tsv", claims.assign(claim="1. Something old"))
    write_json(tmp_path / RECORD, {"settings": {"study": {"seeds": [17], "domains": ["a"], "budgets": [1000]}}})
    text = beside_published(claims, tmp_path)
    assert "1 seed, 1 domain, budgets of 1k to 1k" in text
    assert text.splitlines()[-1].endswith("not judged")


def test_without_a_study_the_way_to_one_is_told(tmp_path: Path) -> None:
    assert "make study" in beside_published(pd.DataFrame(), tmp_path)
