"""make check: a run beside expected numbers; wrong ones are flagged, right ones pass, and nonsense is refused."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.study.check import check_run, write_comparison
from speclm.study.expected import PERPLEXITY
from speclm.study.reference import Reference, make_reference
from unit.study.made_up import ROOT
from unit.study.made_up_runs import CONFIG, write_run

METHODS = read_table(ROOT / "config/methods.tsv")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """Of five seeds."""
    folder = tmp_path_factory.mktemp("runs")
    return make_reference(CONFIG, [write_run(folder / str(seed), seed) for seed in range(17, 22)], METHODS)


def test_a_run_of_another_seed_is_within(reference: Reference, tmp_path: Path) -> None:
    found = check_run(write_run(tmp_path, 22), reference, METHODS)
    said = write_comparison(found, reference.record, full=True)
    assert found["within"].all() and not found["same"].any()
    lines = said.splitlines()
    assert lines[0].startswith("Within what is expected: all ")
    assert lines[1] == "Expected: seeds 17, 18, 19, 20, 21 on a processor, 2026-11-21."
    head, *rows = lines[lines.index("") + 1 :]
    assert head.split() == [
        *("quantity", "method", "corpus", "size", "budget"),
        *("expected", "measured", "difference", "allowed", "within"),
    ]
    assert len(rows) == len(found)  # one line for each
    assert all(row.split()[-1] in ("yes", "rare") for row in rows)


def test_a_run_that_is_among_the_expected_is_known_again(reference: Reference, tmp_path: Path) -> None:
    found = check_run(write_run(tmp_path, 19), reference, METHODS)
    assert found["same"].all()
    assert "84 of 84 perplexities are those of the same seed there, in all digits." in write_comparison(
        found, reference.record, full=False
    )


@pytest.mark.parametrize("method", ["slm", "slm_is", "llm"])
def test_a_method_that_became_worse_by_more_than_allowed_is_flagged(
    reference: Reference, tmp_path: Path, method: str
) -> None:
    """Worse by the widest of its ranges: each of its perplexities is flagged, and no other."""
    own = reference.table[(reference.table["method"] == method) & (reference.table["quantity"] == PERPLEXITY)]
    worse = float(np.log(own["high"] / own["low"]).max())

    def worsen(metrics: pd.DataFrame) -> pd.DataFrame:
        return metrics.assign(nll=metrics["nll"] + worse * (metrics["method"] == method))

    found = check_run(write_run(tmp_path, 22, worsen), reference, METHODS)
    flagged = found[~found["within"]]
    assert set(flagged["method"]) == {method} and len(flagged) == len(own)
    said = write_comparison(found, reference.record, full=False)
    lines = said.splitlines()
    assert lines[0] == f"NOT WITHIN what is expected: {len(own)} of {len(found)} quantities."
    rows = lines[lines.index("") + 2 :]
    assert all(row.endswith("  NO") for row in rows[: len(own)])  # first
    assert said.count("  NO\n") == len(own)


def test_one_wrong_fact_is_flagged(reference: Reference, tmp_path: Path) -> None:
    def fewer(metrics: pd.DataFrame) -> pd.DataFrame:
        return metrics.assign(
            flops_serve_per_token=metrics["flops_serve_per_token"].mask(metrics["method"] == "slm_pn", 7)
        )

    found = check_run(write_run(tmp_path, 22, fewer), reference, METHODS)
    assert found.loc[~found["within"], ["quantity", "method"]].to_numpy().tolist() == [
        ["flops_serve_per_token", "slm_pn"]
    ]


def test_a_run_of_other_settings_is_refused(reference: Reference, tmp_path: Path) -> None:
    folder = write_run(tmp_path, 22, specialize={**CONFIG["specialize"], "batch": 16})
    with pytest.raises(UserError, match=r"specialize\.batch is 16, not 8\nRemedy: compare a run of this preset"):
        check_run(folder, reference, METHODS)
    folder = write_run(tmp_path, 22, domains=["law", "maths"])
    with pytest.raises(UserError, match=r"domains is \['law', 'maths'\], not \['law', 'maths', 'web'\]"):
        check_run(folder, reference, METHODS)


def test_missing_and_doubled_measurements_are_refused(reference: Reference, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"2 measurements that the config asks for are missing"):
        check_run(write_run(tmp_path, 22, lambda metrics: metrics.iloc[2:]), reference, METHODS)
    with pytest.raises(UserError, match="stand twice: slm_pn"):
        check_run(write_run(tmp_path, 22, lambda metrics: pd.concat([metrics, metrics.iloc[-1:]])), reference, METHODS)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/_check.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_command_refuses_an_unknown_preset_before_anything_runs() -> None:
    ended = command("--preset", "latop", "--cores", "1")
    assert ended.returncode == 1 and 'unknown preset "latop": did you mean "laptop"' in ended.stderr


def test_the_command_asks_for_the_run_that_is_not_there(tmp_path: Path) -> None:
    ended = command("--preset", "laptop", "--run", str(tmp_path))
    assert ended.returncode == 1 and "metrics.tsv: is not there\nRemedy: run the workflow" in ended.stderr


def test_the_published_run_is_within() -> None:
    ended = command("--preset", "laptop", "--run", "results/published/laptop")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^(\d+) of \1 perplexities are those of the same seed", ended.stdout, flags=re.M)


def test_beside_one_seed_digits_and_facts_are_compared(tmp_path: Path) -> None:
    reference = make_reference(CONFIG, [write_run(tmp_path / "17", 17)], METHODS)
    said = write_comparison(check_run(write_run(tmp_path / "other", 22), reference, METHODS), reference.record, True)
    assert "One seed is no range" in said and "Rare" not in said and " any " in said
    assert re.search(r"^All \d+ facts that no seed changes are the same\.$", said, flags=re.M)


def test_rows_that_cannot_tell_a_fault_are_left_out_and_counted(tmp_path: Path) -> None:
    """Beside one seed no perplexity of another can; those of the same seed can."""
    reference = make_reference(CONFIG, [write_run(tmp_path / "17", 17)], METHODS)
    other = check_run(write_run(tmp_path / "other", 22), reference, METHODS)
    facts = int((other["quantity"] != PERPLEXITY).sum())
    lines = write_comparison(other, reference.record, full=False).splitlines()
    assert lines[0] == f"Within what is expected: all {facts} quantities of which that can be said, of {len(other)}."
    assert f"Left out: {len(other) - facts} rows" in "\n".join(lines)
    assert len(lines[lines.index("") + 2 :]) == facts
    same = check_run(write_run(tmp_path / "same", 17), reference, METHODS)
    assert "Left out" not in write_comparison(same, reference.record, full=False)
