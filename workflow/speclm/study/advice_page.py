"""The advice on a domain of one's own as a page to read before anything is spent.

In: what `advice.advise` found, and where its evidence lies. Out: Markdown, the recommendation first, then what it rests
on, what would change with other budgets, and what is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from speclm.data.names import plain_name
from speclm.data.single_bytes import STRANGE
from speclm.study.layout import DASH, count, markdown_rows, number, signed, with_interval
from speclm.study.plan import Plan

Advice = Mapping[str, Any]


def advice_page(advice: Advice, plan: Plan, source: str) -> str:
    """The page.

    Args:
        plan: of the study that was asked. source: its folder.
    """
    parts = [
        f"# Advice for {plain_name(advice['name'])}, before anything is spent",
        *_recommendation(advice, plan),
        "## The documents",
        _table(_documents(advice)),
        *(["\n".join(f"- {line}" for line in advice["left_out"])] if advice["left_out"] else []),
        "## How far it is from what was studied",
        f"Windows of the training text by {advice['k']} clusters of the generic text. Distance: Jensen-Shannon "
        "divergence of the histograms, 0 to 0.69 nats, and KL, both to the generic text. Bits per byte: the generic "
        "SLM before specialisation, here on validation documents, else on the study's test or held-out documents.",
        _table(_corpora(advice)),
        "## What fits the budgets",
        f"{_limits(advice)} As measured at {advice['size']:,} tokens in {source}: perplexity, the macro average over "
        "its domains; behind: nats per token over the first, paired by document; what one domain took.",
        _table(_ranking(advice)),
        *_excluded(advice, plan),
        *_offer(advice),
        "## If one domain may cost more",
        "`specialization=…` (`SPECIALIZATION=…` of `make specialize`) is the pretraining budget, in tokens, of a small "
        "model for this domain alone (SLM-is); what that costs may be spent on other methods too.",
        _table(_more(advice)),
        "## What is not known",
        "\n".join(f"- {line}" for line in advice["unknown"]),
    ]
    return "\n\n".join(parts) + "\n"


def _recommendation(advice: Advice, plan: Plan) -> Iterator[str]:
    if advice["byte_share"] >= STRANGE:
        yield (
            f"**This text is foreign to the tokenizer**: {advice['byte_share']:.0%} of its tokens are single bytes "
            f"(generic text: {advice['generic_byte_share']:.1%}), and the models have hardly seen its script. "
            "Expect little of every method; a study with such text in its generic data set is what helps."
        )
    first, *others = advice["ranking"]
    tree = " or ".join(plan.method(name).label for name in advice["paper"])
    yield f"**{first['label']}** is recommended.{_margin(others)} The paper's tree names {tree} for such budgets."
    if advice["by_domain"]:
        yield (
            "By domain: "
            + "; ".join(f"{domain} {signed(*margin)}" for domain, margin in advice["by_domain"].items())
            + " (nats that the second is behind)."
        )
    tried = [row for row in advice["ranking"] if row["method"] in advice["chosen"]]
    yield (
        f"Specialised next: {', '.join(row['label'] for row in tried)}. On the study's domains that took "
        f"{sum(row['seconds'] or 0 for row in tried):.0f} s of one process in all. Validation text decides which of "
        "them is served; test text only measures."
    )


def _margin(others: Sequence[Mapping[str, Any]]) -> str:
    if not others:
        return " No other method fits."
    second = others[0]
    value, low, high = (second[key] for key in ("behind", "behind_low", "behind_high"))
    said = f" {second['label']} is {signed(value, low, high)} nats per token behind (95 % interval)"
    return said + ("." if low is not None and low > 0 else ": the two cannot be told apart.")


def _limits(advice: Advice) -> str:
    limits = advice["limits"]
    latency, parameters = limits["latency"], limits["parameters"]
    words = [
        f"inference {'any' if latency is None else f'at most {latency:g} ms per token'}"
        + ("" if parameters is None else f" and {parameters:,} parameters"),
        "specialization by fine-tuning alone"
        if not limits["specialization"]
        else f"specialization at most what an SLM-is of {limits['specialization']:,} tokens costs",
        f"generic pretraining of {limits['pretraining']:,} tokens, which is paid",
    ]
    return f"Budgets: {'; '.join(words)}."


def _documents(advice: Advice) -> pd.DataFrame:
    rows = [(split, f"{advice['documents'][split]:,}", f"{advice['tokens'][split]:,}") for split in advice["tokens"]]
    rows += [(f"removed: {why}", f"{documents:,}", DASH) for why, documents in advice["removed"].items()]
    rows.append(("tokens that are single bytes", DASH, f"{advice['byte_share']:.2%}"))
    rows.append(("the same in generic text", DASH, f"{advice['generic_byte_share']:.2%}"))
    return pd.DataFrame(rows, columns=["", "documents", "tokens"])


def _corpora(advice: Advice) -> pd.DataFrame:
    digits = {"effective_clusters": 1, "js": 3, "kl": 2, "bits_per_byte": 3}
    rows = [
        [row["corpus"], *(number(row[column], places) for column, places in digits.items())]
        for row in advice["corpora"]
    ]
    return pd.DataFrame(rows, columns=["text", "effective clusters", "distance", "KL", "bits per byte"])


def _ranking(advice: Advice) -> pd.DataFrame:
    rows = [
        [
            row["label"],
            with_interval(row["perplexity"], row["low"], row["high"], 1),
            signed(row["behind"], row["behind_low"], row["behind_high"]) if place else DASH,
            number(row["ms_per_token"]),
            f"{row['parameters']:,}",
            _flops(row),
            number(row["seconds"], 0),
        ]
        for place, row in enumerate(advice["ranking"])
    ]
    columns = ["method", "perplexity", "behind", "ms per token", "parameters", "FLOPs for a domain", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def _excluded(advice: Advice, plan: Plan) -> Iterator[str]:
    if advice["excluded"]:
        said = (f"{plan.method(name).label} ({why})" for name, why in advice["excluded"].items())
        yield f"Does not fit: {'; '.join(said)}."


def _offer(advice: Advice) -> Iterator[str]:
    if advice["offer"]:
        offer = advice["offer"]
        yield (
            f"SLM-is has no model for this domain yet. With `specialization={offer['specialization']}` it is "
            f"pretrained for it: {_flops(offer)} FLOPs and {number(offer['seconds'], 0)} s for a domain, fine-tuning "
            f"included; on the study's domains it was {signed(offer['behind'], offer['low'], offer['high'])} nats per "
            "token behind the first (below zero: ahead)."
        )


def _more(advice: Advice) -> pd.DataFrame:
    rows = [
        [
            f"{row['specialization']:,}" if row["specialization"] else "fine-tuning alone",
            row["best"] or DASH,
            f"{signed(row['margin'], row['low'], row['high'])} over {row['rival']}" if row.get("rival") else DASH,
            _flops(row),
            number(row.get("seconds"), 0),
        ]
        for row in advice["more"]
    ]
    return pd.DataFrame(rows, columns=["specialization", "best", "ahead by (nats)", "FLOPs for a domain", "seconds"])


def _flops(row: Mapping[str, Any]) -> str:
    return DASH if row.get("flops") is None else count(row["flops"])


def _table(frame: pd.DataFrame) -> str:
    return "\n".join(markdown_rows(frame))
