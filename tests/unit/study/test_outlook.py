"""What jobs are expected to take while a run goes on: of the study, of an own domain, and of those after its advice."""

from pathlib import Path

import pytest
import yaml

from speclm.stage.files import read_table, write_json
from speclm.stage.graph import Node
from speclm.study.outlook import LATER, TYPICAL, Outlook, OwnExtent, own_study
from speclm.study.preset import make_study

REPOSITORY = Path(__file__).parents[3]
TABLES = {name: read_table(REPOSITORY / f"config/{name}.tsv") for name in ("methods", "domains", "datasets")}
CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))
OWN = OwnExtent("own/notes", "own/notes", text=1000 * TYPICAL, pretraining=20_000_000, specialization=5_000_000)
TRAINING = Node("pretrain_model", {"method": "slm", "part": "all", "seed": "17"}, ())
ADVICE = Node("advise_domain", {"domain": "own/notes"}, ())
EXPORT = Node("export_model", {"domain": "own/notes"}, ())


def outlook(own: OwnExtent | None) -> Outlook:
    return Outlook(CONFIG, TABLES, REPOSITORY, own, probe=None)


def test_jobs_are_expected_by_rule_and_method_and_trainings_can_be_watched() -> None:
    training, drawing = outlook(None)([TRAINING, Node("draw_figure", {"figure": "3"}, ())])
    assert (training.kind, drawing.kind) == ("pretrain_model slm", "draw_figure")
    assert training.tokens >= max(CONFIG["pretrain"]["budgets"]) * 0.99
    assert drawing.tokens == 0
    assert training.seconds > 10 * drawing.seconds > 0


def test_an_own_domain_is_a_study_of_all_its_text_at_one_budget() -> None:
    study = own_study(make_study(CONFIG, TABLES, REPOSITORY), OWN, REPOSITORY)
    assert study.text("own/notes", "train") == (1000 - 60 - 150) * TYPICAL
    assert study.config["specialize"]["sizes"] == [study.tokens("own/notes", "train")]
    for method in ("slm", "slm_is"):
        tuned = [run for run in study.measured(method, "own/notes", "17") if run.size]
        assert len(tuned) == 1
    own = Node("pretrain_model", {"method": "slm_is", "part": "own/notes", "seed": "17"}, ())
    usual = Node("pretrain_model", {"method": "slm_is", "part": "sympy", "seed": "17"}, ())
    alone, both = outlook(OWN)([own, usual])
    assert 5_000_000 * 0.99 < alone.tokens <= 5_000_000  # one budget, and no branch but its own
    assert alone.tokens < both.tokens


def test_once_collected_an_own_domain_is_as_large_as_its_manifest_says(tmp_path: Path) -> None:
    study = make_study(CONFIG, TABLES, REPOSITORY)
    manifest = tmp_path / "results" / CONFIG["run"] / "documents/own/notes/00000.json"
    manifest.parent.mkdir(parents=True)
    write_json(manifest, {"documents": 310, "characters": 310_000})
    assert own_study(study, OWN, tmp_path).text("own/notes", "train") == 100_000


def test_before_the_advice_three_methods_are_expected_and_after_it_those_that_were_chosen() -> None:
    before = outlook(OWN)([TRAINING, ADVICE])
    assert [each.kind for each in before[:2]] == ["pretrain_model slm", "advise_domain"]
    later = [each.kind for each in before[2:]]
    assert later.count("pretrain_model slm_is") == 1
    assert {f"specialize_model {method}" for method in LATER} <= set(later)
    assert later[-1] == "export_model"
    assert len(outlook(OWN)([TRAINING, ADVICE, EXPORT])) == 3
    assert len(outlook(None)([TRAINING, ADVICE])) == 2


def test_a_data_set_of_unknown_size_does_not_stop_a_run(tmp_path: Path) -> None:
    for folder in ("config/reference", "results"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "config/reference/corpora.tsv").write_text("dataset\tdocuments\tmegabytes\torigin\n")
    (tmp_path / "config/reference/durations.tsv").write_text("rule\tseconds\n")
    (found,) = Outlook(CONFIG, TABLES, tmp_path, None, None)([TRAINING])
    assert (found.kind, found.seconds) == ("pretrain_model slm", pytest.approx(1.0))
