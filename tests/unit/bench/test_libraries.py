"""The data stages beside their libraries: everybody can do a step, and who is not installed is said so."""

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from speclm.bench import peers, stages
from speclm.bench.bench import Bench
from speclm.bench.libraries import EXTRA, Race, races, run
from unit.bench.steps import do_steps


def test_every_contestant_does_its_steps(data_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(data_bench.folder / "huggingface"))
    done = set()
    for race in races(data_bench.corpus, data_bench.folder):
        for name, work in {**race.ours, **race.peers}.items():
            if name not in EXTRA or find_spec(EXTRA[name]):
                do_steps(work, 2)
                done.add(name)
    assert done >= {"reading", "collecting", "encoding", "embedding", "k-means", "assigning", "importance weights"}
    assert done >= {"datasets", "sentencepiece", "tokenizers", "scikit-learn"}


def test_a_race_gives_speed_over_the_peer_and_memory(data_bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    text, models = data_bench.corpus.whole, data_bench.corpus.models
    race = Race(
        text.bytes,
        {"encoding": partial(stages.repeat, partial(stages.encode, text, models, data_bench.folder / "one"))},
        {"sentencepiece": partial(peers.encode_with_sentencepiece, text, models), "DSIR": _absent},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EXTRA, "DSIR", "no_such_package")
        figures = run(race, data_bench)
    assert figures["encoding: MB/s over DSIR"] is None
    assert "DSIR is not installed, so not measured; make .venv/bench" in capsys.readouterr().err
    speed, over = figures["encoding, MB/s"], figures["encoding: MB/s over sentencepiece"]
    assert speed and over and 0.1 < speed.value < 100 and 0 < over.value < 2
    memory = figures["encoding: resident memory, MB"]
    assert memory and 20 < memory.value < 1000


def test_a_stage_loads_only_what_it_needs() -> None:
    code = "import sys, speclm.bench.stages, speclm.bench.peers, speclm.bench.growth; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(stages.__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn", "datasketch", "pandas"} & set(ended.stdout.split())


def _absent(before_step: object) -> None:
    raise AssertionError("is not installed")
