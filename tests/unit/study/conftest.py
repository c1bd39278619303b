"""Results that several tests read and none changes."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from speclm.study.peers import PEERS
from speclm.study.published import Published
from speclm.study.store import open_store
from unit.study.drawing import Drawn, make_drawing
from unit.study.made_up import ABLATIONS, Results, Truth, results_of
from unit.study.published_copies import add_variants, copy_laptop
from unit.study.tracked import address


@pytest.fixture(scope="session")
def paper_results() -> Results:
    """The paper's numbers with little noise."""
    return results_of(Truth())


@pytest.fixture(scope="session")
def peer_results() -> Results:
    """The same with the peers that count."""
    return results_of(Truth(peers=tuple(PEERS)))


@pytest.fixture(scope="session")
def variant_results() -> Results:
    """The same with all variants."""
    return results_of(Truth(extra=ABLATIONS))


@pytest.fixture(scope="session")
def drawn(paper_results: Results, variant_results: Results) -> Drawn:
    """A figure of the study of the methods (""), or of the variants, drawn once for all tests that only look at it."""
    evidence = {"": paper_results.evidence, "ablations": variant_results.evidence}

    return cache(lambda study, name: make_drawing(name, evidence[study]))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database of MLflow's, in a folder of its own."""
    database = tmp_path_factory.mktemp("prepared") / "mlflow.db"
    with open_store(address(database)):
        return database


@pytest.fixture
def database(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    (tmp_path / "tracking").mkdir()
    return Path(shutil.copy(prepared, tmp_path / "tracking/mlflow.db"))


@pytest.fixture
def copy(tmp_path: Path) -> Published:
    """The published laptop study, where tests may change it."""
    return copy_laptop(tmp_path)


@pytest.fixture
def with_variants(copy: Published) -> Published:
    """The same with a study of two variants."""
    return add_variants(copy)
