"""The methods beside the peers that count: whether the study is large enough to speak of language models.

A small network that does not beat a 5-gram of its own bytes after fine-tuning, or a large one that does not beat the
whole 5-gram at the largest size, says little of how language models compare. In: the evidence, at the largest budget.
Out: lines for the summary and the page, in bits a byte, which no vocabulary changes:

    SLM below the 5-gram of its bytes at every size: yes (2.5k: 2.69 and 2.96; 20k: 2.57 and 2.75)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from speclm.study.evidence import Evidence
from speclm.study.layout import count


def beside_peers(e: Evidence) -> list[str]:
    """One line for each question; none where the study has no peers, or not the method."""
    methods, peers = ({method.name for method in group} for group in (e.plan.methods, e.plan.peers))
    lines = []
    if {"slm"} <= methods and {"ngram_small"} <= peers:
        below = f"{e.plan.method('slm').label} below the 5-gram of its bytes at every size"
        lines.append(_line(e, below, "slm", "ngram_small", e.plan.sizes))
    if {"llm"} <= methods and {"ngram"} <= peers:
        below = f"{e.plan.method('llm').label} below the whole 5-gram at the largest size"
        lines.append(_line(e, below, "llm", "ngram", e.plan.sizes[-1:]))
    return lines


def _line(e: Evidence, question: str, method: str, peer: str, sizes: Sequence[int]) -> str:
    pairs = list(_bits(e, method, peer, sizes))
    answer = "yes" if all(ours < theirs for ours, theirs in pairs) else "no"
    if np.isnan(pairs).any():
        answer = "not measured"
    told = "; ".join(
        f"{count(size)}: {ours:.3f} and {theirs:.3f}" for size, (ours, theirs) in zip(sizes, pairs, strict=True)
    )
    return f"{question}: {answer} ({told} bits a byte)"


def _bits(e: Evidence, method: str, peer: str, sizes: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Bits a byte of both after each size, the mean over domains and seeds."""
    for size in sizes:
        ours, theirs = (
            e.metrics.loc[
                e.metrics["method"].eq(name)
                & e.metrics["size"].eq(size)
                & e.metrics["budget"].eq(e.plan.budgets_of(name)[-1])
                & e.metrics["selection"].eq(e.plan.method(name).selections[0]),
                "bits_per_byte",
            ].mean()
            for name in (method, peer)
        )
        yield float(ours), float(theirs)
