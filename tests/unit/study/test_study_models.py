"""The models that tables list: the study's first, then its variants' numbers of experts."""

from pathlib import Path

import yaml

from speclm.study.sources import models_of

CONFIG = yaml.safe_load((Path(__file__).parents[3] / "config/paper.yaml").read_text())


def test_the_papers_tables_1_and_7_list_the_papers_numbers() -> None:
    models = models_of(CONFIG)
    assert models.mixtures == (16, 4, 64, 256)
    assert [p.experts for p in models.projections] == [32, 16, 64]
    assert all(p.components == p.rank == p.experts for p in models.projections)
    assert models.slm.width == 1024
    assert models.llm.vocabulary == 32_000


def test_other_changes_of_a_model_are_no_number_of_experts() -> None:
    row = {"name": "h2", "of": "slm_pn", "label": "-", "change": {"models": {"slm_pn": {"components": 2}}}}
    assert len(models_of({**CONFIG, "ablations": [row]}).projections) == 1
