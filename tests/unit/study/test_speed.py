"""Speed: which source counts, and its numbers against the paper's."""

from pathlib import Path

import pandas as pd
import pytest

from speclm.model.size import PAPER_LLM, PAPER_SLM, ModelSize, training_flops_per_token
from speclm.stage.errors import UserError
from speclm.stage.files import write_json, write_table
from speclm.study.speed import Speed, assumed_speed, choose_speed, pretraining_rates

KEY = {"selection": "none", "size": 0, "seed": 17, "split": "heldout"}


def timed(folder: Path) -> None:
    """A finished run: 1 GFLOP/s of the SLM, 3 of the LLM at the largest budget, and others that do not count."""
    rows = [
        ("slm", "generic", 100, 4e9, 4.0),
        ("slm", "generic", 200, 8e9, 8.0),
        ("llm", "generic", 200, 6e9, 2.0),
        ("llm", "generic", 100, 6e9, 1.0),
        ("slm_mix", "generic", 200, 9e9, 1.0),
        ("slm", "tax", 200, 9e9, 1.0),
    ]
    frame = pd.DataFrame(rows, columns=["method", "domain", "budget", "flops_generic", "seconds_generic"]).assign(**KEY)
    write_table(folder / "metrics.tsv", frame.drop(columns="seconds_generic"))
    write_table(folder / "timings.tsv", frame.drop(columns="flops_generic"))


def benched(folder: Path, gpu: str | None) -> None:
    names = {"SLM step, GFLOP/s": 5.0, "LLM step, GFLOP/s": 7.0}
    names |= {f"{name} on GPU, tokens/s": (1000.0 if gpu else None) for name in ("SLM", "SLM-pn", "LLM")}
    write_table(folder / "bench.tsv", pd.DataFrame({"name": names.keys(), "value": names.values()}))
    write_json(folder / "machine.json", {"gpu": gpu})


def choose(results: Path, device: str, slm: ModelSize = PAPER_SLM, **given: float | str) -> Speed:
    arguments = {"tokens_per_second": None, "gpu": None, "mfu": None, **given}
    return choose_speed(results, "mine", device, slm, **arguments)  # type: ignore[arg-type]


def test_assumed_is_the_papers_throughput() -> None:
    """Table 2: 2.2, 3.6 and 7.7 A100 GPU-hours for 1G tokens."""
    speed = assumed_speed("A100", None)
    for kind, size, hours in (("slm", PAPER_SLM, 2.2), ("slm_pn", PAPER_SLM, 3.6), ("llm", PAPER_LLM, 7.7)):
        assert 1e9 * training_flops_per_token(size) / speed.flops[kind] / 3600 == pytest.approx(hours, rel=0.02)


def test_what_is_given_comes_first(tmp_path: Path) -> None:
    timed(tmp_path / "mine")
    small = ModelSize(512, 10, 2, 8, 2, 16)
    speed = choose(tmp_path, "cpu", small, tokens_per_second=1000.0)
    assert set(speed.flops.values()) == {1000 * training_flops_per_token(small)}
    assert choose(tmp_path, "cpu", mfu=0.5).flops["llm"] == 0.5 * 312e12
    assert choose(tmp_path, "cpu", gpu="H100").flops["slm"] == pytest.approx(0.31 * 989e12)


def test_then_the_run_itself_then_the_bench_then_what_is_assumed(tmp_path: Path) -> None:
    results = tmp_path / "results"
    assert choose(results, "cpu").source.startswith("assumed: A100")
    benched(results / "bench", gpu=None)
    assert choose(results, "cpu") == Speed({"slm": 5e9, "slm_pn": 5e9, "llm": 7e9}, "measured: results/bench")
    assert choose(results, "cuda").source.startswith("assumed")  # not measured on a GPU
    benched(results / "bench", gpu="NVIDIA H100")
    assert choose(results, "cuda").flops["llm"] == 1000 * training_flops_per_token(PAPER_LLM)
    timed(results / "mine")
    assert choose(results, "cuda") == Speed({"slm": 1e9, "slm_pn": 1e9, "llm": 3e9}, "measured: results/mine")


def test_a_cpu_without_measurements_goes_as_the_published_run(tmp_path: Path) -> None:
    timed(tmp_path / "published/laptop")
    assert choose(tmp_path, "cpu").flops["llm"] == 3e9
    assert choose(tmp_path, "cuda").source.startswith("assumed")


def test_rates_are_those_of_the_largest_budget(tmp_path: Path) -> None:
    timed(tmp_path)
    rates = pretraining_rates(
        pd.read_csv(tmp_path / "metrics.tsv", sep="\t"), pd.read_csv(tmp_path / "timings.tsv", sep="\t")
    )
    assert rates == {"slm": 1e9, "llm": 3e9}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gpu": "H10"}, '--device: unknown device "H10": did you mean "H100"'),
        ({"mfu": 1.2}, "--mfu: 1.2 is more than the whole"),
        ({"mfu": -0.1}, "--mfu: -0.1 is not positive"),
        ({"tokens_per_second": 0}, "--tokens-per-second: 0 is not positive"),
    ],
)
def test_a_speed_that_cannot_be_is_refused(tmp_path: Path, given: dict[str, float | str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(tmp_path, "cpu", **given)
