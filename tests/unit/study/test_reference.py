"""The files of expected numbers: made from runs, read back, and refused where they would mislead."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.stage.graph import read_graph
from speclm.study.expected import PERPLEXITY, expect, leave_one_out, seeds_of
from speclm.study.preset import preset_file
from speclm.study.record import differences
from speclm.study.reference import expected_settings, make_reference, open_reference, write_reference
from unit.study.made_up import ROOT
from unit.study.made_up_runs import CONFIG, write_run

METHODS = read_table(ROOT / "config/methods.tsv")
KNOWN = [path.stem.removeprefix("expected-") for path in sorted((ROOT / "config/reference").glob("expected-*.tsv"))]


def runs(folder: Path, *seeds: int) -> list[Path]:
    return [write_run(folder / f"seed{seed}", seed) for seed in seeds]


def repository(folder: Path) -> Path:
    """With three presets."""
    for name in ("config", "smoke", "gpu"):
        (folder / "config").mkdir(exist_ok=True)
        (folder / f"config/{name}.yaml").write_text(yaml.safe_dump({"run": name}))
    return folder


def test_written_numbers_come_back(tmp_path: Path) -> None:
    made = make_reference(CONFIG, runs(tmp_path, 17, 19, 18), METHODS)
    write_reference(repository(tmp_path), "laptop", made)
    back = open_reference(tmp_path, "laptop")
    assert back.record["seeds"] == [17, 18, 19]
    assert [run["seeds"] for run in back.record["runs"]] == [[17], [19], [18]]
    assert back.record["runs"][1]["commit"] == f"{19:040d}" and back.record["runs"][0]["processor"] == "a processor"
    assert back.record["perplexities"] == 84 and back.record["settings"]["pretrain"] == CONFIG["pretrain"]
    pd.testing.assert_frame_equal(back.table, made.table, check_dtype=False, rtol=1e-7)
    exact = back.table["quantity"] != PERPLEXITY
    for column in ("low", "high", "usual_low", "seed17", "seed18", "seed19"):
        assert back.table.loc[exact, column].equals(back.table.loc[exact, "expected"])


def test_a_seed_in_two_runs_is_refused(tmp_path: Path) -> None:
    folders = runs(tmp_path, 17, 18, 19)
    with pytest.raises(UserError, match="18 is in two of the runs"):
        make_reference(CONFIG, [*folders, folders[1]], METHODS)


def test_one_seed_has_no_range(tmp_path: Path) -> None:
    write_reference(repository(tmp_path), "laptop", make_reference(CONFIG, runs(tmp_path, 17), METHODS))
    back = open_reference(tmp_path, "laptop")
    random = back.table["quantity"] == PERPLEXITY
    assert (back.table.loc[random, "low"] == 0).all() and np.isinf(back.table.loc[random, "high"]).all()
    assert (back.table.loc[~random, "low"] == back.table.loc[~random, "high"]).all()
    assert (back.record["factor"], back.record["left_out"]) == (None, [])


def test_runs_of_other_settings_are_refused(tmp_path: Path) -> None:
    folders = runs(tmp_path, 17, 18)
    other = write_run(tmp_path / "other", 19, models={"slm": {"layers": 7, "width": 512}})
    with pytest.raises(UserError, match=r"other: a run of other settings .*: models\.slm\.width is 512, not 1024"):
        make_reference(CONFIG, [*folders, other], METHODS)


def test_an_unknown_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'no expected numbers of "gpu"\nRemedy: run it with at least three seeds'):
        open_reference(repository(tmp_path), "gpu")
    write_reference(tmp_path, "laptop", make_reference(CONFIG, runs(tmp_path, 17, 18, 19), METHODS))
    with pytest.raises(UserError, match='unknown preset "laptob": did you mean "laptop"'):
        open_reference(tmp_path, "laptob")
    with pytest.raises(UserError, match=r'no expected numbers of "gpu"\nRemedy: check laptop; or run it with'):
        open_reference(tmp_path, "gpu")


@pytest.mark.parametrize("preset", KNOWN)
def test_the_committed_numbers_are_of_the_preset_as_it_is(preset: str) -> None:
    config, _ = read_graph(ROOT, [preset_file(ROOT, preset)])
    assert differences(open_reference(ROOT, preset).record["settings"], expected_settings(config)) == []


@pytest.mark.parametrize("preset", KNOWN)
def test_the_committed_numbers_follow_from_their_seeds(preset: str) -> None:
    reference = open_reference(ROOT, preset)
    values = reference.table.drop(columns=["expected", "low", "high", "usual_low", "usual_high"])
    again = expect(values)
    for column in ("expected", "low", "high", "usual_low", "usual_high"):
        np.testing.assert_allclose(reference.table[column], again[column], rtol=1e-6)
    assert seeds_of(values) == [f"seed{seed}" for seed in reference.record["seeds"]]
    assert leave_one_out(values).to_dict("records") == reference.record["left_out"]
