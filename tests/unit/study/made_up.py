"""Made-up results whose truth is known: the paper's own perplexities, with the document noise that a test asks for.

`Truth` says the mean NLL per token of every measurement; `documents_of` spreads it over documents so that the
measured mean is that number to rounding, whatever the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from speclm.model.size import ModelSize, ProjectionSize
from speclm.stage.files import read_table
from speclm.study.bootstrap import Bootstrap
from speclm.study.evidence import Evidence, gather_evidence
from speclm.study.metrics import summarise
from speclm.study.plan import GENERIC, KEY, Measurement, Plan, expected_measurements, make_plan
from speclm.study.sources import Models, Sources

ROOT = Path(__file__).parents[3]
SIZES = (1000, 8000, 64000)
BUDGETS = (100, 200, 400)
DOMAINS = ("law", "maths", "web")
COLUMN = dict(zip((0, *SIZES), ("pile_pretrained_only", *(f"pile_finetuned_{n}M" for n in (1, 8, 64))), strict=True))
PAPER_FOLDER = ROOT / "config/reference/paper"
PAPER = pd.read_csv(PAPER_FOLDER / "table_8_perplexity_by_cost.csv").set_index(["model", "gpuh"]).to_dict("index")
LABELS = {"slm": "SLM", "slm_mix": "SLM-mix", "slm_pn": "SLM-pn", "llm": "LLM"}

# perplexities that the paper shows only in figures, or not at all
NOPT = dict(zip(SIZES, (227.1, 45.6, 17.6), strict=True))
IMPORTANCE = {100: (26.0, 17.5, 14.5, 12.0), 200: (25.0, 15.5, 13.8, 11.6), 400: (24.0, 14.0, 13.2, 11.4)}
DISTILLED = {100: (19.4, 15.7, 12.4), 200: (18.2, 14.9, 12.05), 400: (17.9, 14.6, 11.95)}
LORA = {100: (17.2, 15.6, 11.6), 200: (15.7, 14.1, 10.9), 400: (15.1, 13.1, 10.3)}
COUNTED = {"ngram": (40.0, 16.0, 15.0, 12.0), "ngram_small": (70.0, 50.0, 40.0, 30.0)}
COUNTED["ngram_domain"] = (np.nan, 90.0, 30.0, 14.0)
# ablations: what a variant changes, what it adds to the nll of its base (SLM's for other teachers), and times its cost
EXPERTS, CLUSTERS_OF = "models.slm_pn.experts", "models.slm_is.clusters"
MIXED, TEACHER = "models.slm_mix.experts", "distill.teacher_budget"
EFFECTS: dict[str, tuple[str, dict[str, tuple[object, object]], float, float]] = {
    "slm_pn_k16": ("slm_pn", {EXPERTS: (32, 16), "models.slm_pn.rank": (32, 16)}, 0.03, 0.95),
    "slm_pn_k64": ("slm_pn", {EXPERTS: (32, 64), "models.slm_pn.rank": (32, 64)}, -0.01, 2.0),
    "slm_is_k16": ("slm_is", {CLUSTERS_OF: (256, 16)}, 0.10, 1.0),
    "slm_is_k64": ("slm_is", {CLUSTERS_OF: (256, 64)}, 0.03, 1.0),
    "slm_is_k1024": ("slm_is", {CLUSTERS_OF: (256, 1024)}, 0.02, 1.0),
    "slm_mix_k4": ("slm_mix", {MIXED: (16, 4)}, 0.02, 1.0),
    "slm_mix_k64": ("slm_mix", {MIXED: (16, 64)}, -0.02, 1.0),
    "slm_mix_k256": ("slm_mix", {MIXED: (16, 256)}, 0.05, 1.0),
    "slm_d_t100": ("slm_d", {TEACHER: (None, 100)}, 0.01, 1.0),
    "slm_d_t200": ("slm_d", {TEACHER: (None, 200)}, -0.01, 1.0),
    "slm_d_t400": ("slm_d", {TEACHER: (None, 400)}, -0.02, 1.0),
    "llm_lora": ("llm", {"specialize.lora": (None, {"rank": 64})}, 0.0, 1.0),
    "slm_pn_h8": ("slm_pn", {"models.slm_pn.components": (32, 8)}, 0.02, 1.0),
    "slm_pn_seed18": ("slm_pn", {"clusters.seed": (17, 18)}, 0.001, 1.0),
    "slm_is_seed18": ("slm_is", {"clusters.seed": (17, 18)}, 0.004, 1.0),
    "slm_d_weight25": ("slm_d", {"distill.weight": (0.5, 0.25)}, 0.05, 1.0),
    "slm_more": ("slm", {"specialize.text": ("domain", "generic")}, 0.4, 1.0),
}
LABELLED = {"llm_lora": "LLM-lora"}
ABLATIONS = tuple(name for name in EFFECTS if name != "slm_more")  # but for the control of fine-tuning
STUDY = {
    **{"domains": DOMAINS, "sizes": SIZES, "best_finetuned_sizes": (1000,)},
    **{"budgets": BUDGETS, "domain_budgets": BUDGETS, "seeds": (17,)},
    "methods": ("slm", "slm_nopt", "llm", "slm_mix", "slm_pn", "slm_is", "slm_d"),
}
CHOICE = {"none": 1.0, "most_frequent": 1.0, "best_pretrained": 0.992, "best_finetuned": 0.990}
# windows in each cluster: the entropy is low, middle and high
CLUSTERS = {"law": (97, 1, 1, 1), "maths": (70, 10, 10, 10), "web": (25, 25, 25, 25), "generic": (40, 30, 20, 10)}
HISTOGRAMS = pd.DataFrame(
    [(corpus, 4, cluster, windows) for corpus, row in CLUSTERS.items() for cluster, windows in enumerate(row)],
    columns=["corpus", "k", "cluster", "windows"],
)
OPTIMIZER = {"optimizer": "Adam", "learning_rate": 1e-4, "gradient_clipping_norm": 5.0, "linear_warmup_steps": 1000}
MODELS = Models(
    slm=ModelSize(32000, 1024, 7, 1024, 8, 4096),
    llm=ModelSize(32000, 1024, 7, 2816, 22, 11264),
    mixtures=(16, 4, 64, 256),
    projections=tuple(ProjectionSize(k, k, k, 5, "shared") for k in (32, 16, 64)),
    optimizer={"SLM": OPTIMIZER, "LLM": OPTIMIZER},
    relative_cost={"slm": 1.0, "llm": 3.5, "slm_mix": 1.0, "slm_pn": 1.64, "slm_is": 1.0},
)


def variants_of(names: tuple[str, ...]) -> list[dict[str, object]]:
    """The records of variants, as the workflow hands them on."""
    own = [name for name in names if name.startswith(("slm_pn", "slm_is", "slm_mix"))]
    bases = {name: EFFECTS[name][0] for name in names}
    started = {"slm_d": "slm", "llm": "llm", "slm": "slm"}
    return [
        {
            "method": name,
            "of": bases[name],
            "label": LABELLED.get(name, name),
            "change": {key: list(values) for key, values in EFFECTS[name][1].items()},
            "pretraining": name if name in own else started[bases[name]],
            "teacher": "llm" if bases[name] == "slm_d" else "-",
        }
        for name in names
    ]


def paper_nll(name: Measurement) -> float:
    """ln of the paper's perplexity; SLM-pn and SLM-mix are worse on the domain of high entropy, better elsewhere."""
    if name.method in COUNTED:
        return float(np.log(COUNTED[name.method][(0, *SIZES).index(name.size)]))
    if name.method in LABELLED:
        return float(np.log(LORA[name.budget][SIZES.index(name.size)]))
    if name.method in EFFECTS:
        base, change, shift, _ = EFFECTS[name.method]
        base = "slm" if TEACHER in change else base
        default = "most_frequent" if base in ("slm_pn", "slm_mix") and name.domain != GENERIC else "none"
        return paper_nll(name._replace(method=base, selection=default)) + shift
    column = (0, *SIZES).index(name.size)
    if name.domain == GENERIC:
        return float(np.log(PAPER[LABELS[name.method], name.budget]["c4_perplexity"]))
    if name.method == "slm_nopt":
        return float(np.log(NOPT[name.size]))
    if name.method == "slm_is":
        return float(np.log(IMPORTANCE[name.budget][column]))
    if name.method == "slm_d":
        return float(np.log(DISTILLED[name.budget][column - 1]))
    nll = float(np.log(PAPER[LABELS[name.method], name.budget][COLUMN[name.size]] * CHOICE[name.selection]))
    shift = {"law": -0.05, "maths": -0.05, "web": 0.1}[name.domain] if name.method in ("slm_mix", "slm_pn") else 0.0
    return nll + shift


def paper_cost(name: Measurement) -> dict[str, float]:
    """One unit of FLOPs per unit of budget; fine-tuning grows 10 times per 8 times the text."""
    if name.method in COUNTED:
        return dict.fromkeys(("flops_generic", "flops_specialize", "flops_to_best"), 0.0)
    if name.method in EFFECTS:
        base, change, _, factor = EFFECTS[name.method]
        cost = {column: factor * flops for column, flops in paper_cost(name._replace(method=base)).items()}
        return {**cost, "flops_generic": name.budget + change[TEACHER][1]} if TEACHER in change else cost
    tuning = {0: 0.0, **dict(zip(SIZES, (0.01, 0.1, 1.0), strict=True))}[name.size]
    pretraining = float(name.budget)
    shared = {"slm_is": 0.0, "slm_nopt": 0.0, "slm_d": 2 * pretraining}.get(name.method, pretraining)
    own = pretraining if name.method == "slm_is" else 0.0
    factor = 2.0 if name.selection == "best_finetuned" else 1.0
    return {"flops_generic": shared, "flops_specialize": own + factor * tuning, "flops_to_best": tuning}


@dataclass(frozen=True)
class Truth:
    """What is true of the made-up results; tests replace one of the functions."""

    nll: Callable[[Measurement], float] = paper_nll
    cost: Callable[[Measurement], dict[str, float]] = paper_cost
    noise: float = 0.003
    extra: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (17,)
    peers: tuple[str, ...] = ()
    without: Callable[[Measurement], bool] = field(default=lambda name: False)


def plan_of(extra: tuple[str, ...] = (), seeds: tuple[int, ...] = (17,), peers: tuple[str, ...] = ()) -> Plan:
    study = {**STUDY, "seeds": seeds, "variants": variants_of(extra), "peers": peers}
    return make_plan(study, read_table(ROOT / "config/methods.tsv"))


def documents_of(names: list[Measurement], truth: Truth, count: int = 50) -> pd.DataFrame:
    """Per-document table: documents differ much, in the same way for every model, and a little for each model."""
    tokens_MD, nll_MD = np.empty((2, len(names), count))
    for row, name in enumerate(names):
        shared, own = (np.random.default_rng([ord(letter) for letter in text]) for text in (name.domain, str(name)))
        tokens_MD[row] = shared.integers(20, 400, size=count)
        level = shared.normal(0, 0.5, size=count) + own.normal(0, truth.noise, size=count)
        level += truth.nll(name) - np.average(level, weights=tokens_MD[row])
        nll_MD[row] = level * tokens_MD[row]
    columns = {column: np.repeat(values, count) for column, values in zip(KEY, zip(*names, strict=True), strict=True)}
    tokens = tokens_MD.ravel().astype(int)
    documents = {"document": np.tile(np.arange(count), len(names)), "nll": nll_MD.ravel(), "tokens": tokens}
    return pd.DataFrame({**columns, **documents, "bytes": 4 * tokens})


def runs_of(names: list[Measurement], truth: Truth) -> pd.DataFrame:
    parameters = {
        "llm": (771e6, 771e6),
        "slm_mix": (252e6, 126e6),
        "slm_pn": (1422e6, 126e6),
    }
    rows = []
    for name in names:
        base = EFFECTS[name.method][0] if name.method in EFFECTS else name.method
        trained, served = parameters.get(base, (126e6, 126e6))
        rows.append(
            {
                **name._asdict(),
                "parameters_pretrain": int(trained),
                "parameters_serve": int(served),
                "pretrain_tokens": name.budget,
                "specialize_tokens": name.size,
                "steps": name.budget * 8,
                "capped": 0,
                "expert_spread": 0.1 if name.selection == "best_pretrained" else np.nan,
                **truth.cost(name),
                "flops_serve_per_token": 2 * served,
            }
        )
    return pd.DataFrame(rows)


def timings_of(results: Results) -> pd.DataFrame:
    """timings.tsv as on the paper's device; what it has no time for takes as long as the SLM."""
    table = results.metrics
    hours = pd.read_csv(PAPER_FOLDER / "table_2_throughput.csv").set_index("model")
    hours = hours.rename(index={label: name for name, label in LABELS.items()}).reindex(table["method"]).fillna(2.2)
    generic = table["flops_generic"].gt(0) * table["pretrain_tokens"] * hours["generic_training"].to_numpy()
    tokens = table["specialize_tokens"] + table["flops_generic"].eq(0) * table["pretrain_tokens"]
    seconds = {
        "seconds_generic": generic * 3600 / 1e9,
        "seconds_specialize": tokens * hours["specialization_training"].to_numpy() * 3600 / 1e9,
    }
    return table[KEY].assign(**seconds, device="A100", host="there")


def serving_of(results: Results) -> pd.DataFrame:
    """serving.tsv, likewise: 0.61 hours per 1G tokens, 2.54 for the LLM."""
    rows = []
    for name in sorted(results.metrics["method"].unique()):
        factor = 2.54 / 0.61 if name.startswith("llm") else 1.0
        measured = {"ms_per_token": 2.0 * factor, "ms_low": 1.9 * factor, "ms_high": 2.2 * factor}
        counted = {"bytes_weights": 252e6 * factor, "bytes_text": 14e6 * factor, "flops_per_token": 252e6 * factor}
        used = {"batch": 64, "threads": 1, "precision": "bfloat16", "device": "A100", "host": "there"}
        rate = 1e9 / (0.61 * factor * 3600)
        rows.append({"method": name, "tokens_per_second": rate, **measured, **counted, **used})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Results:
    """One made-up run."""

    plan: Plan
    documents: pd.DataFrame
    runs: pd.DataFrame
    metrics: pd.DataFrame
    evidence: Evidence


@cache
def results_of(truth: Truth) -> Results:
    """The made-up run of a truth; tests share it and change nothing in it."""
    return measure(plan_of(truth.extra, truth.seeds, truth.peers), truth)


def measure(plan: Plan, truth: Truth) -> Results:
    """The made-up run of a plan."""
    names = [name for name in expected_measurements(plan) if not truth.without(name)]
    documents, runs = documents_of(names, truth), runs_of(names, truth)
    bootstrap = Bootstrap(replicates=200, seed=17, level=0.95)
    metrics = summarise(documents, runs, bootstrap)
    return Results(plan, documents, runs, metrics, gather_evidence(metrics, documents, HISTOGRAMS, plan, bootstrap))


def sources_of(results: Results, timings: pd.DataFrame | None = None) -> Sources:
    """What tables are made from, with the times of the paper's device where none are given."""
    timings = timings_of(results) if timings is None else timings
    return Sources(results.evidence, HISTOGRAMS, MODELS, timings, serving_of(results), PAPER_FOLDER)
