"""Made-up finished runs that differ in the seed: the paper's perplexities, with noise of a known size on their logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from speclm.stage.files import write_json, write_table
from speclm.study.plan import KEY
from unit.study.made_up import BUDGETS, DOMAINS, SIZES, Truth, plan_of, results_of

SPREAD = 0.02
CONFIG: dict[str, Any] = {
    "methods": [method.name for method in plan_of().methods],
    "domains": list(DOMAINS),
    "documents": {"generic": "web", "seed": 17},
    "tokenizer": {"vocabulary": 32000},
    "context": 1024,
    "embedder": {"kind": "lsi"},
    "clusters": {"k": [4]},
    "models": {"slm": {"layers": 7, "width": 1024}},
    "pretrain": {"budgets": list(BUDGETS), "domain_budgets": list(BUDGETS), "learning_rate": {"slm": 1e-4}},
    "specialize": {"sizes": list(SIZES), "best_finetuned_sizes": [1000], "batch": 8},
    "distill": {"weight": 0.5},
    "ngram": {"generic_tokens": 1000},
    "figures": {"cost": "flops"},
}


def metrics_of(seed: int, spread: float = SPREAD) -> pd.DataFrame:
    """metrics.tsv of one seed: every measurement with its own noise."""
    metrics = results_of(Truth()).metrics
    noise = np.random.default_rng(seed).normal(0, spread, len(metrics))
    return metrics.assign(seed=seed, nll=metrics["nll"] + noise).sort_values(KEY, ignore_index=True)


def write_run(
    folder: Path, seed: int, change: Callable[[pd.DataFrame], pd.DataFrame] = lambda it: it, **settings: Any
) -> Path:
    """A finished run's metrics.tsv, and what its stages have noted; `settings` stand in the place of `CONFIG`'s."""
    config = CONFIG | settings
    study = {key: config[key] for key in ("methods", "domains")} | {"seeds": [seed]}
    study |= {"sizes": config["specialize"]["sizes"]}
    study |= {key: config["pretrain"][key] for key in ("budgets", "domain_budgets")}
    study |= {"best_finetuned_sizes": config["specialize"]["best_finetuned_sizes"]}
    write_table(folder / "metrics.tsv", change(metrics_of(seed)))
    noted = {"settings": config | {"study": study, "seconds": 1}}
    origin = {"commit": f"{seed:040d}", "dirty": False, "processor": "a processor", "started": "2026-11-21T12:00:00"}
    write_json(folder / "logs/gather_metrics.summary.json", {**noted, **origin})
    write_json(folder / "logs/make_table/1.job.json", {"settings": {"figures": {}, "study": study}})
    return folder
