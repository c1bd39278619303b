"""A list stands for its files, changes with them, and says when one is gone."""

from pathlib import Path

import numpy as np
import pytest

from speclm.stage.errors import UserError
from speclm.stage.files import sha256, write_array
from speclm.stage.listing import read_list, write_list


def test_a_list_names_its_files_and_changes_with_them(tmp_path: Path) -> None:
    files = [tmp_path / f"train/{number}.npy" for number in range(3)]
    for number, file in enumerate(files):
        write_array(file, np.arange(number + 1))
    sums = []
    for last in (2, 7, 2):
        write_array(files[2], np.arange(last))
        assert write_list(files, tmp_path / "train.json") == {"files": 3}
        sums.append(sha256(tmp_path / "train.json"))
    assert sums[0] == sums[2] != sums[1]
    assert read_list(tmp_path / "train.json") == files
    assert read_list(files[1]) == [files[1]]


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", np.arange(2))
    write_list([tmp_path / "a.npy"], tmp_path / "train.json")
    (tmp_path / "a.npy").unlink()
    with pytest.raises(UserError, match=r"a\.npy: is missing\nRemedy: delete .*train\.json too"):
        read_list(tmp_path / "train.json")
