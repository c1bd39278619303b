"""Each rule in the environment that conda makes for its role: the same bytes as in the locks' one environment."""

import shutil
from collections.abc import Callable

import pytest

from e2e.conftest import Clone, assert_same


@pytest.mark.skipif(not shutil.which("conda"), reason="conda is not installed")
def test_in_condas_environments_the_bytes_are_the_same(smoke: Clone, new_clone: Callable[[], Clone]) -> None:
    clone = new_clone()
    clone.snakemake("--sdm", "conda", "--conda-create-envs-only", seconds=3600)
    clone.snakemake("--sdm", "conda")
    assert_same(clone, smoke)
