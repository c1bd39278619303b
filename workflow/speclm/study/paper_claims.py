"""The paper's claims, each a row of `CLAIMS` and a function over the results that measures it.

In the paper's order; `TOPICS` says in which order, by what they are about, they are shown. `speclm.study.claims` judges
them.

    Claim(8, "LLM beats SLM, …", paper: "400 GPUh, 1M: 15.0 against 17.2 to 18.2", parts: margins.large_best)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from speclm.study import margins, margins_of_variants
from speclm.study.evidence import Evidence
from speclm.study.parts import Part

PHASES, SHARED = "Pretraining and fine-tuning", "Models that all domains share"
IMPORTANCE, DISTILLATION = "Importance sampling", "Distillation"
CHOICES, COST = "Choices within a method", "Cost"
TOPICS = (PHASES, SHARED, IMPORTANCE, DISTILLATION, CHOICES, COST)

MARGIN = "ln perplexity ratio"
TOLERANCE = "tolerance less |ln perplexity ratio|"
GROWTH = "distance of ln growth from ln 5 and ln 20"


@dataclass(frozen=True)
class Claim:
    """One claim: what it says, the paper's statement of it, what it is about, what is measured, and the function that
    measures it. `any_of`: it says that something exists, so that one part is enough.
    """

    number: int
    text: str
    paper: str
    topic: str
    statistic: str
    parts: Callable[[Evidence], list[Part]]
    any_of: bool = False


CLAIMS = (
    Claim(
        1,
        "Pretraining and fine-tuning are both needed",
        "SLM-nopt 227 / 45.6 / 17.6 against SLM 18.2 / 14.8 / 12.0 (table 4)",
        PHASES,
        MARGIN,
        margins.both_phases,
    ),
    Claim(
        2,
        "Generic text: LLM < SLM-mix < SLM-pn < SLM at every budget",
        "400 GPUh: 14.5 < 15.8 < 16.9 < 19.2 (table 8)",
        SHARED,
        MARGIN,
        margins.generic_order,
    ),
    Claim(
        3,
        "Smallest size: SLM-pn below SLM-mix and SLM at every budget; SLM-mix crosses SLM",
        "crossing just below 200 GPUh (table 8, 1M)",
        SHARED,
        MARGIN,
        margins.smallest_size,
    ),
    Claim(
        4,
        "Middle size: SLM-mix crosses SLM, then SLM-pn",
        "between 100 and 200 GPUh, and 200 and 400 (table 8, 8M)",
        SHARED,
        MARGIN,
        margins.middle_size,
    ),
    Claim(
        5,
        "Largest size: SLM best of the shared early, SLM-mix and SLM-pn later; their benefit erodes with domain text",
        "gap of SLM-pn to SLM at 400 GPUh about 1.05 (1M), 0.38 (8M), 0.16 (64M)",
        SHARED,
        MARGIN,
        margins.largest_size,
    ),
    Claim(
        6,
        "Perplexity before fine-tuning does not predict perplexity after it",
        "SLM 33.7 to 36.6 before, 19.3 to 18.2 after, from 100 to 400 GPUh (table 8)",
        PHASES,
        MARGIN,
        margins.reversals,
        any_of=True,
    ),
    Claim(
        7,
        "SLM-is is the best small model at every size; at the smallest it beats the LLM",
        "below 14.4 at 1M (section 4; no table)",
        IMPORTANCE,
        MARGIN,
        margins.importance_best,
    ),
    Claim(
        8,
        "LLM beats SLM, SLM-mix and SLM-pn at every size and budget",
        "400 GPUh, 1M: 15.0 against 17.2 to 18.2 (table 8)",
        SHARED,
        MARGIN,
        margins.large_best,
    ),
    Claim(
        9,
        "SLM-d beats SLM at equal student cost, and loses to SLM-mix and SLM-pn at equal overall cost",
        "teachers of at least 276 GPUh (figure 5)",
        DISTILLATION,
        MARGIN,
        margins_of_variants.distillation,
    ),
    Claim(
        10,
        "Over 1, 7, 50 tasks SLM-is loses its advantage over SLM-pn",
        "figure 6",
        COST,
        MARGIN,
        margins.many_tasks,
    ),
    Claim(
        11,
        "More SLM-pn experts are better per iteration",
        "32 is best per cost (figure 7)",
        CHOICES,
        MARGIN,
        margins_of_variants.more_experts,
    ),
    Claim(
        12,
        "The three ways of choosing the expert lie close together",
        "17.32, 17.05, 16.98: within 0.3 (table 5)",
        CHOICES,
        TOLERANCE,
        margins.expert_choices,
    ),
    Claim(
        13,
        "One SLM-mix expert is worse than SLM-is at equal cost",
        "figure 8",
        IMPORTANCE,
        MARGIN,
        margins.one_cluster,
    ),
    Claim(
        14,
        "SLM-is: the number of clusters is a trade-off",
        "figure 10",
        CHOICES,
        MARGIN,
        margins_of_variants.cluster_tradeoff,
        any_of=True,
    ),
    Claim(
        15,
        "SLM-pn and SLM-mix do not beat SLM where the cluster entropy is highest",
        "openwebtext2 and wikipedia (figure 12, table 10)",
        SHARED,
        MARGIN,
        margins.high_entropy,
    ),
    Claim(
        16,
        "Fine-tuning cost grows about 10 times per 8 times the domain text",
        "figure 9",
        COST,
        GROWTH,
        margins.finetuning_growth,
    ),
    Claim(
        17,
        "LoRA on the LLM is close to full fine-tuning at every size",
        "within 0.5 perplexity (figure 14)",
        CHOICES,
        TOLERANCE,
        margins_of_variants.low_rank,
    ),
)
