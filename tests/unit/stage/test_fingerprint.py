"""A fingerprint changes with settings, revision and contents, and says what differs."""

from pathlib import Path

import numpy as np
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import write_array
from speclm.stage.fingerprint import fingerprint, refuse_foreign, short_hash


def test_contents_count_not_names_or_times(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    (tmp_path / "c").write_text("other")
    one, two, three = (fingerprint({"k": 1}, 1, {"x": tmp_path / name}) for name in "abc")
    assert one == two != three
    assert short_hash(one) == short_hash(two) != short_hash(three)


def test_a_folder_counts_by_its_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w").write_text("weights")
    before = fingerprint({}, 1, {"x": tmp_path / "one"})
    assert before == fingerprint({}, 1, {"x": tmp_path / "two"})
    (tmp_path / "one" / "w").rename(tmp_path / "one" / "v")
    assert before != fingerprint({}, 1, {"x": tmp_path / "one"})


def test_the_sidecar_stands_for_a_large_array(tmp_path: Path) -> None:
    write_array(tmp_path / "x.npy", np.arange(3))
    assert list(fingerprint({}, 1, {"x": [tmp_path / "x.npy"]})) == ["revision", "inputs.x.0"]


def test_a_foreign_fingerprint_is_refused_with_the_keys(tmp_path: Path) -> None:
    mine = fingerprint({"rate": {"slm": 0.1}, "k": 3}, 2, {})
    refuse_foreign(mine, dict(mine), tmp_path)
    with pytest.raises(UserError, match=r"revision: 1 there, 2 here; settings\.rate\.slm: 0\.2 there, 0\.1 here"):
        refuse_foreign(fingerprint({"rate": {"slm": 0.2}, "k": 3}, 1, {}), mine, tmp_path)
