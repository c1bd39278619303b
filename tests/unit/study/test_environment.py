"""Where a run was made, from what its stages have written down."""

from pathlib import Path

from speclm.stage.files import write_json
from speclm.study.environment import origin_environment, read_environment


def record(stage: str, started: str, seconds: float, **more: object) -> dict[str, object]:
    made = {"commit": "4c1e", "dirty": False, "host": "there", "device": "Xeon", "processor": "Xeon"}
    known = {"python": "3.11.7", "versions": {"numpy": "2.4.6"}}
    return {"stage": stage, "started": started, "seconds": seconds, **made, **known, **more}


def test_stages_are_added_up_in_the_order_of_their_start(tmp_path: Path) -> None:
    write_json(
        tmp_path / "z/1.summary.json",
        record("pretrain_model", "2026-01-02T00:00:00+00:00", 2.5, device="A100", host="node7"),
    )
    write_json(
        tmp_path / "z/2.summary.json",
        record("pretrain_model", "2026-01-03T00:00:00+00:00", 1.25, commit=None, dirty=None),
    )
    write_json(
        tmp_path / "a.summary.json",
        record("split", "2026-01-01T00:00:00+00:00", 1.0, versions={"numpy": "2.4.7"}, dirty=True),
    )
    write_json(tmp_path / "a.job.json", {"name": "split"})
    found = read_environment(tmp_path)
    assert (found["started"], found["ended"]) == ("2026-01-01T00:00:00+00:00", "2026-01-03T00:00:01.250+00:00")
    assert (found["commits"], found["dirty"]) == (["4c1e"], True)
    assert (found["hosts"], found["devices"]) == (["there", "node7"], ["Xeon", "A100"])
    assert found["versions"] == {"numpy": ["2.4.7", "2.4.6"]}
    assert found["stages"] == [
        {"stage": "split", "jobs": 1, "seconds": 1.0, "devices": ["Xeon"]},
        {"stage": "pretrain_model", "jobs": 2, "seconds": 3.8, "devices": ["A100", "Xeon"]},
    ]


def test_no_stage(tmp_path: Path) -> None:
    assert read_environment(tmp_path)["started"] is None


def test_what_a_published_run_tells() -> None:
    found = origin_environment({"commit": None, "dirty": None, "processor": "Xeon", "started": "2026"})
    assert (found["commits"], found["processors"], found["started"]) == ([], ["Xeon"], "2026")
