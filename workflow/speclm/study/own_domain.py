"""A domain of one's own, as far as it is known before anything is trained, beside the domains of a study.

In: what the stages left of its splits, tokens and clusters, and the generic model's loss on it. Out: its facts, the
size of the study by which it is judged, a table of it and the study's corpora, and in words what a study of other text
does not say about it.

    143k training tokens, sizes 2.5k, 20k, 160k:   judged by 160k, the nearest by ratio
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import pandas as pd

from speclm.data.windows import nearest_size
from speclm.stage.errors import UserError
from speclm.study.evidence import Evidence
from speclm.study.plan import GENERIC

COMPARED = {  # what a value below and one above those that were studied is called
    "effective_clusters": ("fewer effective clusters", "more effective clusters"),
    "js": ("a smaller distance from generic text", "a larger distance from generic text"),
    "bits_per_byte": ("fewer bits per byte", "more bits per byte"),
}


@dataclass(frozen=True)
class Domain:
    """What is known of a domain: documents and tokens by split, documents that were removed, by reason; share of tokens
    that are bytes, here and in generic text; bits per byte of the generic model on its validation text; in words, what
    was not read."""

    name: str
    documents: Mapping[str, int]
    tokens: Mapping[str, int]
    removed: Mapping[str, int]
    byte_share: float
    generic_byte_share: float
    bits_per_byte: float
    left_out: Sequence[str] = ()


def describe_domain(
    name: str,
    report: Mapping[str, Any],
    tokens: Mapping[str, int],
    byte_shares: tuple[float, float],
    start: Sequence[Mapping[str, Any]],
    left_out: Sequence[str] = (),
) -> Domain:
    """The facts of a domain.

    Args:
        report: of its splits. tokens: by split. byte_shares: its own, and that of generic text.
        start: the one measurement of the generic model. left_out: what was not read, in words.
    """
    (measured,) = start
    removed: dict[str, int] = {}
    for row in report["removed"]:
        why = f"{row['how']} as in {row['kept_in']}"
        removed[why] = removed.get(why, 0) + row["documents"]
    return Domain(
        name,
        documents={split: report["splits"][f"{name}/{split}"]["documents"] for split in tokens},
        tokens=tokens,
        removed=removed,
        byte_share=byte_shares[0],
        generic_byte_share=byte_shares[1],
        bits_per_byte=measured["nll"] * measured["tokens"] / log(2) / measured["bytes"],
        left_out=left_out,
    )


def size_class(tokens: int, sizes: Sequence[int], name: str) -> int:
    """The size of the study by which so many training tokens are judged: the nearest by ratio.

    Raises:
        UserError: fewer tokens than the smallest size.
    """
    if tokens < sizes[0]:
        raise UserError(
            f"has {tokens} training tokens, fewer than the smallest size that was studied, {sizes[0]}",
            where=name,
            key="specialize.sizes",
            remedy="give more documents",
        )
    return sizes[nearest_size(tokens, sizes)]


def beside_study(domain: Domain, e: Evidence, distance: pd.DataFrame) -> pd.DataFrame:
    """The domain, the study's domains and generic text: clusters, distance, what the generic model makes of them."""
    before = e.metrics.query("method == 'slm' and size == 0").groupby(["domain", "budget"])["bits_per_byte"].mean()
    known = before.xs(e.plan.budgets[-1], level="budget")
    rows = [domain.name, *e.plan.domains, GENERIC]
    return distance.loc[rows].assign(bits_per_byte=[domain.bits_per_byte, *known.reindex(rows[1:])])


def unknown(
    domain: Domain, e: Evidence, serving: pd.DataFrame, corpora: pd.DataFrame, size: int, missing: Sequence[str]
) -> list[str]:
    """What the numbers do not say."""
    seeds = f"seed{'s' if len(e.plan.seeds) > 1 else ''} {', '.join(map(str, e.plan.seeds))}"
    domains = ", ".join(e.plan.domains)
    device, host = serving[["device", "host"]].iloc[0]
    said = [
        f"Whether another domain is like these: the ranking was measured on {domains}, not on this text.",
        f"What another training would give: this is {seeds}; "
        + (
            "intervals are over test documents alone."
            if len(e.plan.seeds) == 1
            else "intervals are over documents and seeds."
        ),
        f"What happens between sizes: measured at {size:,} tokens, here are {domain.tokens['train']:,}.",
        f"How fast this machine is: times were measured on {device} ({host}).",
    ]
    for column, words in COMPARED.items():
        known = corpora.loc[list(e.plan.domains), column]
        value = float(corpora[column].to_dict()[domain.name])
        if not known.min() <= value <= known.max():
            said.append(
                f"This domain has {words[int(value > known.max())]} ({value:.3g}) than any that was studied "
                f"({known.min():.3g} to {known.max():.3g}): the ranking is stretched beyond what it was measured on."
            )
    if missing:
        said.append(
            f"{len(missing)} measurements are missing, among them {missing[0]}: what they belong to is left out."
        )
    return said
