"""A made-up results folder, laid out as the workflow leaves it: one domain, two sizes, a method with one start (slm)
and one that starts from two experts and has a model that was the best of both (slm_mix).

The curve of every training is `loss(step) = 5 - step / 100` plus what tells it from the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.stage.files import write_json, write_table
from speclm.study.metrics import COST_COLUMNS, MEASURED_COLUMNS
from speclm.study.plan import GENERIC, KEY

BUDGETS = (100, 200)
SIZES = (0, 10)
BEGUN = "2026-11-21T12:00:00+00:00"


def write_run(run: Path, *, rate: float = 0.5, lines: int = 3, seeds: tuple[int, ...] = (17,)) -> Path:
    """Write results/{run}; `rate` is a setting of slm's pretraining, `lines` the length of every curve."""
    measured: list[dict[str, Any]] = []
    for seed in seeds:
        slm = _pretrain(run, "slm", "all", seed, {"learning_rate": rate}, lines)
        experts = [_pretrain(run, "slm_mix", f"expert{n}", seed, {"learning_rate": 0.5}, lines) for n in (0, 1)]
        _specialize(run, "slm", seed, slm, ["none"], 1, lines)
        _specialize(run, "slm_mix", seed, experts, ["most_frequent", "best_finetuned"], 2, lines)
        measured += _measurements(seed)
    metrics = pd.DataFrame(measured)
    write_table(run / "metrics.tsv", metrics)
    seconds = {"seconds_generic": 7.0, "seconds_specialize": 0.5, "device": "made up", "host": "there"}
    write_table(run / "timings.tsv", metrics[KEY].assign(**seconds))
    write_table(
        run / "claims.tsv", pd.DataFrame({"claim": ["1. One", "2. Two"], "verdict": ["holds", "does not hold"]})
    )
    (run / "tables").mkdir(exist_ok=True)
    (run / "tables/table_1.md").write_text("| made up |\n")
    (run / "figures").mkdir(exist_ok=True)
    (run / "figures/figure_1.png").write_bytes(b"\x89PNG made up")
    study = {"methods": ["slm", "slm_mix"], "variants": []}
    outputs = {"metrics": run / "metrics.tsv", "timings": run / "timings.tsv"}
    _finish(run, "gather_metrics", "gather_metrics", {"study": study}, {}, {}, outputs, {})
    return run


def _pretrain(run: Path, method: str, part: str, seed: int, settings: dict[str, Any], lines: int) -> Path:
    folder = run / f"pretrain/{method}/{part}/seed{seed}"
    for budget in BUDGETS:
        meta = {"budget": budget, "tokens": budget, "steps": budget // 10, "flops": 6 * budget}
        write_json(folder / f"checkpoints/b{budget}.json", {"meta": meta})
        (folder / f"checkpoints/b{budget}.safetensors").write_bytes(b"made up weights")
    _write_journal(folder / "metrics.jsonl", [{}], lines, settings["learning_rate"])
    outputs = {"checkpoints": folder / "checkpoints", "metrics": folder / "metrics.jsonl"}
    facts = {"seconds": {str(budget): budget / 50 for budget in BUDGETS}}
    wildcards = {"method": method, "part": part, "seed": str(seed)}
    _finish(
        run, "pretrain_model", f"pretrain_model/{method}/{part}/seed{seed}", settings, wildcards, {}, outputs, facts
    )
    return folder / "checkpoints"


def _specialize(
    run: Path, method: str, seed: int, starts: Path | list[Path], selections: list[str], experts: int, lines: int
) -> None:
    folder = run / f"specialize/{method}/law/seed{seed}"
    made, tuned, seconds = [], [], {}
    for budget in BUDGETS:
        for size in SIZES:
            for selection in selections:
                fact = {"method": method, "selection": selection, "domain": "law", "size": size, "budget": budget}
                made.append({**fact, "seed": seed, "expert": experts - 1, "steps": 10, "valid_nll": 4.5, "flops": 60})
                stem = f"{selection}.n{size}.b{budget}"
                seconds[stem] = 0.25
                write_json(folder / f"models/{stem}.json", {"meta": fact})
                (folder / f"models/{stem}.safetensors").write_bytes(b"made up weights")
            if size:
                tuned += [{"expert": expert, "size": size, "budget": budget} for expert in range(experts)]
    write_json(folder / "runs.json", made)
    _write_journal(folder / "metrics.jsonl", tuned, lines, 0.0)
    outputs = {"models": folder / "models", "metrics": folder / "metrics.jsonl", "runs": folder / "runs.json"}
    wildcards = {"method": method, "domain": "law", "seed": str(seed)}
    log = f"specialize_model/{method}/law/seed{seed}"
    facts = {"steps": 20, "flops": 120, "seconds": seconds}
    _finish(run, "specialize_model", log, {"patience": 3}, wildcards, {"checkpoints": starts}, outputs, facts)


def _write_journal(path: Path, trainings: Iterable[Mapping[str, int]], lines: int, more: float) -> None:
    """The curves of these trainings, one after the other."""
    rows = [
        {**training, "step": step, "loss": 5 - step / 100 + more + training.get("expert", 0)}
        for training in trainings
        for step in range(lines)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _measurements(seed: int) -> Iterator[dict[str, Any]]:
    """Rows of metrics.tsv: perplexity 1000 / budget on generic text, a tenth of it on the domain."""
    for method, selections in {"slm": ["none"], "slm_mix": ["most_frequent", "best_finetuned"]}.items():
        for budget in BUDGETS:
            cells = [("none", GENERIC, 0, "heldout", 1000 / budget)]
            cells += [(chosen, "law", size, "test", 100 / budget) for chosen in selections for size in SIZES]
            for selection, domain, size, split, perplexity in cells:
                key = dict(zip(KEY, (method, selection, domain, size, budget, seed, split), strict=True))
                numbers = dict.fromkeys([*MEASURED_COLUMNS, *COST_COLUMNS], 3.0)
                yield {**key, **numbers, "perplexity": perplexity, "nll": 2.0 if method == "slm" else 4.0}


def _finish(
    run: Path,
    rule: str,
    log: str,
    settings: dict[str, Any],
    wildcards: dict[str, str],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Path],
    facts: Mapping[str, Any],
) -> None:
    """The job.json and summary.json of a job that ended well."""
    stem, texts = run / f"logs/{log}", {name: str(path) for name, path in outputs.items()}
    given = {name: [*map(str, paths)] if isinstance(paths, list) else str(paths) for name, paths in inputs.items()}
    job = {"name": rule, "settings": settings, "inputs": given, "outputs": texts, "wildcards": wildcards}
    write_json(Path(f"{stem}.job.json"), {**job, "log": f"{stem}.log", "revision": 1})
    fingerprint = {"revision": 1, **{f"settings.{key}": value for key, value in settings.items()}}
    fingerprint |= {f"settings.wildcards.{key}": value for key, value in wildcards.items()}
    made = {"commit": "4c1e", "dirty": False, "host": "there", "processor": "made up"}
    record = {"settings": settings, "fingerprint": fingerprint, "started": BEGUN, "seconds": 60.0, **made}
    write_json(Path(f"{stem}.summary.json"), {**record, "facts": dict(facts)})
