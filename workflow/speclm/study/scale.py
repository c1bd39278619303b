"""How a study compares with the paper's in numbers without dimension: what says whether its verdicts tell of the paper.

In go counts: of a plan (its settings, and how large its text is), of a run (metrics.tsv, histograms.tsv), or of the
paper (its tables). Out comes a row for each number, ours beside the paper's: at the budgets, at the sizes of domain
text, or at neither; and where ours lies.

    SLM of 200k parameters, 1.2M tokens at most:   6 tokens a parameter; the paper's 126M see 361 to 2,165: below
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.model.mixture import budget_tokens
from speclm.model.size import PAPER_SLM, ModelSize, parameter_count
from speclm.stage.recipes import budgets_of
from speclm.study.layout import DASH, Table, aligned, count
from speclm.study.plan import GENERIC

# Of C4, English, as published (Dodge and others, 2021, table 1): known, not in the paper, which takes all of it.
C4_TOKENS = 156e9
PAPER_SIZES = (1e6, 8e6, 64e6)
PAPER_CLUSTERS = 1024  # of SLM-is
PRETRAINED = {"slm": "SLM", "llm": "LLM", "slm_mix": "one expert of SLM-mix", "slm_pn": "SLM-pn", "slm_is": "SLM-is"}
CLUSTERED = {"slm_mix": "experts of SLM-mix", "slm_pn": "experts of SLM-pn", "slm_is": "clusters of SLM-is"}
NEAR = 1.25  # a number by this factor beyond the paper's still counts as within
BELOW, WITHIN, ABOVE = "below", "within", "above"
COLUMNS = ["number", "of", "point", "ours", "paper", "place"]
TOKENS, DOMAIN_TOKENS = "tokens a parameter", "domain tokens a parameter"
RATIO, EPOCHS = "parameters, large over small", "epochs over the generic text"
# What follows where ours lie outside; without a word of it, nothing does.
MEANINGS = {
    (TOKENS, BELOW): "orders of methods there say little of the paper",
    (TOKENS, ABOVE): "the paper does not say how methods stand there",
    (DOMAIN_TOKENS, BELOW): "domain text is scarcer than in the paper, and pretraining counts for more",
    (DOMAIN_TOKENS, ABOVE): "domain text is less scarce than in the paper, and pretraining counts for less",
    (RATIO, BELOW): "the LLM is less of an upper reference than the paper's",
    (RATIO, ABOVE): "the LLM is more of an upper reference than the paper's",
    (EPOCHS, ABOVE): "text that is repeated teaches less than new text",
}
_PAPER_TABLES = {
    **dict.fromkeys(("table_1_7_parameters", "table_2_throughput", "table_3_cost_limits"), "model"),
    "table_8_perplexity_by_cost": "gpuh",
}


@dataclass(frozen=True)
class Counts:
    """What the numbers of a study are made of.

    Attributes:
        tokens: by method of `PRETRAINED` those that one network sees at each budget, ascending; of a mixture an expert.
        parameters: of the networks that are served, "slm" and "llm".
        clusters: by method of `CLUSTERED`.
        sizes: training tokens of a domain. generic: tokens of the generic training text, in how many `windows`.
    """

    tokens: Mapping[str, Sequence[float]]
    parameters: Mapping[str, float]
    clusters: Mapping[str, int]
    sizes: Sequence[float]
    generic: float
    windows: float
    context: int
    layers: int


def planned_counts(config: Mapping[str, Any], generic: int, windows: int) -> Counts:
    """Of a configuration; `generic` and `windows` are what its text is reckoned to be."""
    costs, models = config["pretrain"]["relative_cost"], config["models"]
    tokens = {}
    for method in filter(config["methods"].__contains__, PRETRAINED):
        experts = models["slm_mix"]["experts"] if method == "slm_mix" else 1
        tokens[method] = list(budget_tokens(budgets_of(config, method), costs[method], experts).values())
    return _counts(config, tokens, generic, windows)


def measured_counts(config: Mapping[str, Any], metrics: pd.DataFrame, histograms: pd.DataFrame) -> Counts:
    """Of a run: what its models were trained on.

    Args:
        metrics: metrics.tsv. histograms: clusters/histograms.tsv.
    """
    tokens = {}
    for method in filter(set(metrics["method"]).__contains__, PRETRAINED):
        rows = metrics.loc[(metrics["method"] == method) & (metrics["budget"] > 0)]
        experts = config["models"]["slm_mix"]["experts"] if method == "slm_mix" else 1
        tokens[method] = list(rows.groupby("budget")["pretrain_tokens"].max() / experts)
    generic = histograms.loc[histograms["corpus"] == GENERIC]
    windows = int(generic.loc[generic["k"] == generic["k"].min(), "windows"].sum())
    return _counts(config, tokens, windows * config["context"], windows)


def paper_counts(folder: Path) -> Counts:
    """Of the paper, from its tables; budgets are its GPU-hours at its throughput."""
    tables = {name: pd.read_csv(folder / f"{name}.csv").set_index(index) for name, index in _PAPER_TABLES.items()}
    main = tables["table_1_7_parameters"].query("main == 'yes'")
    served, experts = (main[column].to_dict() for column in ("inference_millions", "experts"))
    hours = tables["table_2_throughput"]["generic_training"].to_dict()  # for 1G tokens
    alone = tables["table_3_cost_limits"]["specialization_1M_gpuh"].to_dict()
    budgets = sorted(set(tables["table_8_perplexity_by_cost"].index))
    labels = {"slm": "SLM", "llm": "LLM", "slm_mix": "SLM-mix", "slm_pn": "SLM-pn"}
    networks = {"slm_mix": experts["SLM-mix"]}
    tokens = {
        kind: [1e9 * hour / hours[label] / networks.get(kind, 1) for hour in budgets] for kind, label in labels.items()
    }
    clusters = {kind: int(experts[labels[kind]]) for kind in ("slm_mix", "slm_pn")}
    return Counts(
        tokens={**tokens, "slm_is": [1e9 * alone["SLM-is"] / hours["SLM"]]},
        parameters={kind: 1e6 * served[labels[kind]] for kind in ("slm", "llm")},
        clusters={**clusters, "slm_is": PAPER_CLUSTERS},
        sizes=PAPER_SIZES,
        generic=C4_TOKENS,
        windows=C4_TOKENS / PAPER_SLM.context,
        context=PAPER_SLM.context,
        layers=PAPER_SLM.layers,
    )


def compare(ours: Counts, paper: Counts) -> pd.DataFrame:
    """The scale of one study beside the other's: `COLUMNS`, a row for each number at each point.

    `point` counts from 1 along the budgets or the sizes; where one study has fewer, it has no number there. `place`:
    where our largest lies, from the paper's least to its most; "-" for a method that our study does not have.
    """
    rows = []
    for name, theirs in _numbers(paper).items():
        values = _numbers(ours).get(name, [])
        points = max(len(values), len(theirs))
        pairs = zip(*(list(found) + [float("nan")] * (points - len(found)) for found in (values, theirs)), strict=True)
        place = _place(max(values), theirs) if values else DASH
        rows += [dict(zip(COLUMNS, (*name, point, *pair, place), strict=True)) for point, pair in enumerate(pairs, 1)]
    return pd.DataFrame(rows, columns=COLUMNS)


def scale_table(scale: pd.DataFrame) -> Table:
    """What `compare` gives as a table: one row for each number, its points side by side."""
    shown = [
        [f"{number}, {of}" if of else number, _joined(rows["ours"]), _joined(rows["paper"]), rows["place"].iloc[0]]
        for (number, of), rows in scale.groupby(["number", "of"], sort=False)
    ]
    caption = "What is without dimension, here and in the paper, at each budget or each size of domain text, and where "
    caption += "our largest lies. Verdicts tell of the paper as far as these agree."
    notes = (
        "Budgets of the paper: 100, 200, 400 and 600 GPU-hours, of SLM-is at most 130. A method sees its budget over",
        "its relative cost; parameters are those that are served. C4 as published: about",
        f"{count(C4_TOKENS)} tokens (known, not in the paper).",
        f"Within: up to {NEAR - 1:.0%} beyond the paper's.",
    )
    return Table(
        "scale", caption, scale, pd.DataFrame(shown, columns=["number", "here", "the paper", "here is"]), notes=notes
    )


def outside(scale: pd.DataFrame) -> list[str]:
    """In words what lies outside of the paper's range, and what follows; nothing where all is within."""
    said = []
    for (number, place), means in MEANINGS.items():
        rows = scale.loc[(scale["number"] == number) & (scale["place"] == place)]
        found = [
            f"{of} {shown(group['ours'].max())} (the paper's {_range(group['paper'])})".lstrip()
            for of, group in rows.groupby("of", sort=False)
        ]
        if found:
            said.append(f"Outside of the paper's range: {number}, at most: {', '.join(found)}: {means}.")
    return said


def to_text(scale: pd.DataFrame, width: int) -> str:
    """The table and what lies outside, as plain text."""
    words = [textwrap.fill(line, width, subsequent_indent="  ") for line in outside(scale)]
    return "\n".join(["Scale, beside the paper's:", *aligned(scale_table(scale).shown), *words]) + "\n"


def shown(value: float) -> str:
    """Two digits that count, or the whole number: 0.0079, 5.6, 361, 2,165, 23M; a dash for none."""
    if pd.isna(value):
        return DASH
    return count(value) if value >= 1e5 else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _counts(config: Mapping[str, Any], tokens: Mapping[str, Sequence[float]], generic: int, windows: int) -> Counts:
    """What stands in the configuration, for a plan and for a run."""
    models, shape = config["models"], (config["tokenizer"]["vocabulary"], config["context"])
    chosen = [method for method in CLUSTERED if method in tokens]
    return Counts(
        tokens=tokens,
        parameters={kind: parameter_count(ModelSize(*shape, **models[kind])) for kind in ("slm", "llm")},
        clusters={kind: models[kind]["clusters" if kind == "slm_is" else "experts"] for kind in chosen},
        sizes=config["specialize"]["sizes"],
        generic=generic,
        windows=windows,
        context=config["context"],
        layers=models["slm"]["layers"],
    )


def _numbers(counts: Counts) -> dict[tuple[str, str], Sequence[float]]:
    """By number and what it is of: at each budget, at each size, or one."""
    small, large = counts.parameters["slm"], counts.parameters["llm"]
    size = {"llm": large}
    return {
        **{
            (TOKENS, label): [seen / size.get(method, small) for seen in counts.tokens[method]]
            for method, label in PRETRAINED.items()
            if method in counts.tokens
        },
        (DOMAIN_TOKENS, ""): [tokens / small for tokens in counts.sizes],
        (RATIO, ""): [large / small],
        **{(label, ""): [counts.clusters[kind]] for kind, label in CLUSTERED.items() if kind in counts.clusters},
        **{
            ("windows a cluster", label): [counts.windows / counts.clusters[kind]]
            for kind, label in CLUSTERED.items()
            if kind in counts.clusters
        },
        (EPOCHS, ""): [seen / counts.generic for seen in counts.tokens.get("slm", ())],
        ("context in tokens", ""): [counts.context],
        ("layers", ""): [counts.layers],
    }


def _place(largest: float, theirs: Sequence[float]) -> str:
    if largest * NEAR < min(theirs):
        return BELOW
    return ABOVE if largest > max(theirs) * NEAR else WITHIN


def _joined(values: pd.Series[float]) -> str:
    return " / ".join(shown(value) for value in values.dropna()) or DASH


def _range(values: pd.Series[float]) -> str:
    ends = dict.fromkeys((shown(values.min()), shown(values.max())))
    return " to ".join(ends)
