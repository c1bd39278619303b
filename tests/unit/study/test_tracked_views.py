"""Views of an experiment: what they ask for are tags, parameters and metrics that entries have."""

import json
import re
from pathlib import Path

from speclm.study.entries import read_entries
from speclm.study.tracked_views import CURVES, MODELS, OVER_TOKENS, OVERLAID, TAG, view_tags
from unit.study.made_up_folder import write_run

VIEWS = {key.removeprefix(TAG): json.loads(value) for key, value in view_tags().items()}


def test_the_columns_of_models_are_what_models_have(tmp_path: Path) -> None:
    models = [entry for entry in read_entries(write_run(tmp_path / "toy")) if entry.tags["kind"] == "model"]
    for column in VIEWS[MODELS]["selectedColumns"]:
        kind, name = re.fullmatch(r"(params|metrics)\.`(.+)`", column).groups()  # type: ignore[union-attr]
        for model in models:
            has = model.parameters if kind == "params" else {point.key for point in model.points}
            assert name in has, (column, model.name)
    assert VIEWS[MODELS]["searchFilter"] == "tags.kind = 'model'"


def test_charts_overlay_one_run_for_each_method(tmp_path: Path) -> None:
    """An expert of a mixture is none of them: what stands for all experts is."""
    entries = list(read_entries(write_run(tmp_path / "toy")))
    overlaid = [entry for entry in entries if OVERLAID in entry.tags]
    assert [entry.name for entry in overlaid] == ["slm_mix seed17", "pretrain slm all seed17"]
    keys = [chart["metricKey"] for chart in VIEWS[CURVES]["compareRunCharts"]]
    assert keys == [OVER_TOKENS, "heldout/perplexity"]
    assert all(any(point.key == keys[1] for point in entry.points) for entry in overlaid)
    sections = {section["uuid"] for section in VIEWS[CURVES]["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in VIEWS[CURVES]["compareRunCharts"]} == sections
