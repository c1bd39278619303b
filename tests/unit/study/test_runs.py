"""Who pays for what: every method's costs from the facts of its parts."""

from pathlib import Path

import pandas as pd
import pytest

from speclm.model.size import ModelSize, ProjectionSize, parameter_count, projected_parameter_count
from speclm.stage.errors import UserError
from speclm.stage.files import write_json
from speclm.study.metrics import RUN_COLUMNS
from speclm.study.plan import KEY, Measurement, with_variants
from speclm.study.runs import describe_runs, read_facts, time_runs

SMALL = {"vocabulary": 64, "context": 8, "layers": 1, "width": 8, "heads": 2, "inner": 16}
LARGE = {**SMALL, "width": 16}
PROJECTION = {"experts": 4, "components": 4, "rank": 4, "projected_layers": 1, "start": "shared"}
METHODS = with_variants(
    pd.DataFrame(
        [
            ("slm", "slm", "-"),
            ("slm_nopt", "-", "-"),
            ("llm", "llm", "-"),
            ("slm_mix", "slm_mix", "-"),
            ("slm_pn", "slm_pn", "-"),
            ("slm_is", "slm_is", "-"),
            ("slm_d", "slm", "llm"),
        ],
        columns=["method", "pretraining", "teacher"],
    ).assign(selections="none"),
    [
        {"method": "slm_is_k4", "of": "slm_is", "change": {}, "pretraining": "slm_is_k4", "teacher": "-"},
        {"method": "slm_is_lr", "of": "slm_is", "change": {}, "pretraining": "slm_is", "teacher": "-"},
        {
            **{"method": "slm_d_t50", "of": "slm_d", "change": {"distill.teacher_budget": (None, 50)}},
            **{"pretraining": "slm", "teacher": "llm"},
        },
    ],
)
MACHINE = {"device": "cpu", "host": "here"}


def pretraining(method: str, part: str, flops: int) -> dict[str, object]:
    return {
        **{"method": method, "part": part, "seed": 17, "budget": 100 if part != "cheap" else 50},
        **{"tokens": 10 * flops, "steps": flops, "flops": flops, "model": LARGE if method == "llm" else SMALL},
        **{"projection": PROJECTION if method == "slm_pn" else None, "seconds": flops / 10, **MACHINE},
    }


PRETRAINED = [
    pretraining("slm", "all", 50),
    pretraining("slm", "cheap", 25),
    pretraining("llm", "all", 70),
    pretraining("llm", "cheap", 35),
    pretraining("slm_mix", "expert0", 20),
    pretraining("slm_mix", "expert1", 30),
    pretraining("slm_pn", "all", 60),
    pretraining("slm_is", "law", 50),
    pretraining("slm_is", "art", 999),
    pretraining("slm_is_k4", "law", 40),
    pretraining("slm_is_k4", "art", 999),
]


def name_of(method: str) -> Measurement:
    return Measurement(method, "none", "law", 8, 0 if method == "slm_nopt" else 100, 17, "test")


SPECIALIZED = [
    {
        **{key: value for key, value in name_of(method)._asdict().items() if key != "split"},
        **{
            "tokens": 30,
            "steps": 3,
            "best_step": 2,
            "capped": 1,
            "expert_spread": None,
            "flops": 4,
            "flops_student": 3,
            "teacher_budget": {"slm_d": 100, "slm_d_t50": 50}.get(method, 0),
            "model": LARGE if method == "llm" else SMALL,
            "seconds": 2.0,
            **MACHINE,
        },
    }
    for method in METHODS["method"]
]
NAMES = [name_of(method) for method in METHODS["method"]]


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return describe_runs(NAMES, PRETRAINED, SPECIALIZED, METHODS).set_index("method")


def test_columns(runs: pd.DataFrame) -> None:
    assert runs.reset_index().columns.tolist() == KEY + RUN_COLUMNS


def test_who_pays_for_what(runs: pd.DataFrame) -> None:
    generic = {"slm": 50, "slm_nopt": 0, "llm": 70, "slm_mix": 50, "slm_pn": 60, "slm_is": 0, "slm_d": 120}
    own = {"slm": 4, "slm_nopt": 4, "llm": 4, "slm_mix": 4, "slm_pn": 4, "slm_is": 54, "slm_d": 4}
    assert runs["flops_generic"].to_dict() == generic | {"slm_is_k4": 0, "slm_is_lr": 0, "slm_d_t50": 85}
    assert runs["flops_specialize"].to_dict() == own | {"slm_is_k4": 44, "slm_is_lr": 54, "slm_d_t50": 4}
    assert runs.loc["slm_d", "pretrain_tokens"] == 500  # the student's
    assert runs.loc["slm_mix", "steps"] == 53
    assert set(runs["flops_to_best"]) == {2}  # of the student's 3 in 3 steps, the best after 2


def test_a_teacher_is_charged_at_its_own_budget(runs: pd.DataFrame) -> None:
    assert runs["flops_generic"][["slm_d", "slm_d_t50"]].tolist() == [50 + 70, 50 + 35]  # as the facts say
    times = time_runs([name_of("slm_d_t50")], PRETRAINED, SPECIALIZED, METHODS)
    assert times["seconds_generic"].tolist() == pytest.approx([8.5])
    without = [facts for facts in PRETRAINED if (facts["method"], facts["budget"]) != ("llm", 50)]
    with pytest.raises(UserError, match="no facts of the pretraining of slm_d_t50"):
        describe_runs([name_of("slm_d_t50")], without, SPECIALIZED, METHODS)


def test_parameters(runs: pd.DataFrame) -> None:
    small, large = parameter_count(ModelSize(**SMALL)), parameter_count(ModelSize(**LARGE))
    projected = projected_parameter_count(ModelSize(**SMALL), ProjectionSize(**PROJECTION))
    trained = {"slm": small, "slm_nopt": small, "llm": large, "slm_mix": 2 * small, "slm_pn": projected}
    study = ["slm", "slm_nopt", "llm", "slm_mix", "slm_pn"]
    assert runs.loc[study, "parameters_pretrain"].to_dict() == trained
    assert set(runs["parameters_pretrain"].drop(study)) == {small}
    assert set(runs["parameters_serve"].drop("llm")) == {small}


def test_generic_text_has_no_specialisation() -> None:
    name = Measurement("slm_mix", "none", "generic", 0, 100, 17, "heldout")
    row = describe_runs([name], PRETRAINED, SPECIALIZED, METHODS).iloc[0]
    assert (row["flops_generic"], row["flops_specialize"], row["specialize_tokens"]) == (50, 0, 0)


def test_seconds_are_charged_like_flops() -> None:
    times = time_runs(NAMES, PRETRAINED, SPECIALIZED, METHODS).set_index("method")
    assert times.loc["slm_d", "seconds_generic"] == pytest.approx(12.0)
    assert times.loc["slm_is", ["seconds_generic", "seconds_specialize"]].tolist() == [0, 7.0]
    assert times.loc["slm_nopt", ["seconds_generic", "seconds_specialize", "device"]].tolist() == [0, 2.0, "cpu"]


def test_facts_are_read_with_their_seconds(tmp_path: Path) -> None:
    summary = {"seconds": {"100": 5.0, "best_finetuned.n8.b100": 2.0}, **MACHINE}
    write_json(tmp_path / "summary.json", summary)
    write_json(tmp_path / "checkpoints/b100.json", {"meta": {"budget": 100, "part": "all"}, "sha256": "0"})
    meta = {"budget": 100, "selection": "best_finetuned"}
    write_json(tmp_path / "models/best_finetuned.n8.b100.json", {"meta": meta, "sha256": "0"})
    checkpoint = {"budget": 100, "part": "all", "seconds": 5.0, **MACHINE}
    assert read_facts(tmp_path / "checkpoints", tmp_path / "summary.json") == [checkpoint]
    assert read_facts(tmp_path / "models", tmp_path / "summary.json") == [{**meta, "seconds": 2.0, **MACHINE}]


def test_missing_facts_are_named() -> None:
    with pytest.raises(UserError, match="no facts of the pretraining of slm on law"):
        describe_runs(NAMES, PRETRAINED[2:], SPECIALIZED, METHODS)
    with pytest.raises(UserError, match="no facts of the specialised model of slm on law"):
        describe_runs(NAMES, PRETRAINED, SPECIALIZED[1:], METHODS)
