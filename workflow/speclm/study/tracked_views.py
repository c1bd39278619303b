"""Views of an experiment on MLflow's pages: which runs are listed, by which columns, and which charts stand on top.

MLflow keeps a view that is shared in a tag of the experiment, as JSON, and opens it by its key in the address. An
import leaves two, so that nobody has to choose among hundreds of columns:

    models    every served model by its test perplexity, with method, domain, size and budget
    curves    the pretrainings of all methods, overlaid: held-out loss over tokens, perplexity over budgets
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

MODELS, CURVES = "models", "curves"
TAG = "mlflow.sharedViewState."  # and the key
OVER_TOKENS = "over_tokens/heldout_nll"  # a metric of every pretraining, whose steps are tokens
OVERLAID = "overlaid"  # the tag of runs whose curves are compared: what stands for a method
SHOWN_RUNS = 20

_STATE = {
    "columnOrder": [],
    "columnWidths": {},
    "runsHiddenMode": "FIRST_20_RUNS",
    "hideEmptyCharts": True,
    "useGroupedValuesInCharts": True,
}


def view_tags() -> dict[str, str]:
    """Tags of an experiment, one for each view."""
    views = {
        MODELS: {
            "searchFilter": "tags.kind = 'model'",
            "orderByKey": "metrics.`test/perplexity`",
            "orderByAsc": True,
            "selectedColumns": [
                *("params.`method`", "params.`domain`", "params.`size`", "params.`budget`", "params.`selection`"),
                *("metrics.`test/perplexity`", "metrics.`cost/flops`", "metrics.`cost/parameters_serve`"),
            ],
        },
        CURVES: {
            "searchFilter": f"tags.{OVERLAID} = 'yes'",
            "orderByKey": "attributes.start_time",
            "orderByAsc": False,
            "selectedColumns": ["tags.`method`", "metrics.`heldout/perplexity`"],
            **_charts("Methods, overlaid", [(OVER_TOKENS, "held-out loss over tokens"), _PERPLEXITY]),
        },
    }
    return {f"{TAG}{key}": json.dumps({**_STATE, **view}) for key, view in views.items()}


_PERPLEXITY = ("heldout/perplexity", "held-out perplexity over budgets")


def _charts(section: str, metrics: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """A section of line charts, each of one metric of all runs: (key, title)."""
    lines = [
        {
            **{"type": "LINE", "uuid": key, "metricSectionId": section, "deleted": False, "isGenerated": False},
            **{"metricKey": key, "selectedMetricKeys": [key], "displayName": title, "runsCountToCompare": SHOWN_RUNS},
            **{"xAxisKey": "step", "selectedXAxisMetricKey": "", "xAxisScaleType": "linear", "scaleType": "linear"},
            **{"lineSmoothness": 0, "yAxisKey": "metric", "yAxisExpressions": [], "range": {}},
            **{"useGlobalXaxisKey": True, "useGlobalLineSmoothing": True, "ignoreOutliers": False},
        }
        for key, title in metrics
    ]
    first = {"uuid": section, "name": section, "display": True, "isReordered": False, "deleted": False}
    return {
        "compareRunCharts": lines,
        "compareRunSections": [{**first, "isGenerated": False, "columns": len(metrics)}],
        "isAccordionReordered": True,  # else by name
    }
