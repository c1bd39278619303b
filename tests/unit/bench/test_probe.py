"""The probe: steps are counted by a clock that is given, so that its arithmetic can be checked without one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from speclm.bench.probe import NETWORKS, SECONDS, measure, rounds_per_second
from speclm.study.probing import KEPT, Probe

REPOSITORY = Path(__file__).parents[3]
CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on whenever it is looked at."""
    now = 0.0

    def look() -> float:
        nonlocal now
        now += seconds
        return now

    return look


def test_every_network_of_the_study_is_measured_at_its_own_batch() -> None:
    """A look before every step, one at the end: of 0.1 s each, six end half a second after the first."""
    found = measure(CONFIG, ticking(0.1))
    assert set(found["tokens_per_second"]) == set(NETWORKS)
    steps, looks = round(SECONDS / 0.1), round(SECONDS / 0.1) + 1
    for network, rate in found["tokens_per_second"].items():
        tokens = CONFIG["pretrain"]["batch"][network] * CONFIG["context"]
        assert rate == pytest.approx(tokens * steps / (0.1 * looks), rel=0.25)
    alone = measure({**CONFIG, "methods": ["slm_nopt"]}, ticking(0.1))
    assert set(alone["tokens_per_second"]) == {"slm"}


def test_a_slow_clock_reads_less() -> None:
    assert rounds_per_second(ticking(0.01)) == pytest.approx(2 * rounds_per_second(ticking(0.02)), rel=0.2)


def test_it_is_measured_once_for_a_run_and_again_for_other_shapes(tmp_path: Path) -> None:
    first = Probe(CONFIG, tmp_path)
    facts = first.wait()
    assert facts is not None
    assert facts["core"] > 0
    assert [file.name for file in tmp_path.iterdir()] == [KEPT]
    assert Probe(CONFIG, tmp_path).facts() == facts
    assert Probe(CONFIG, tmp_path).ready
    other = Probe({**CONFIG, "context": 32, "methods": ["slm"]}, tmp_path)
    assert other.facts() is None
    assert set(other.wait()["tokens_per_second"]) == {"slm"}  # type: ignore[index]


def test_a_machine_that_cannot_be_measured_is_none(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file, where a folder should be")
    assert Probe(CONFIG, tmp_path / "run").wait() is None
