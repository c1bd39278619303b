"""What is made of a study's measurements, by name, and which of them each needs beside metrics.tsv.

table_9 needs histograms; figure_4b nothing more; claims need documents and histograms
"""

from __future__ import annotations

from speclm.study.figures import MAIN_FIGURES, VARIANT_FIGURES
from speclm.study.tables import TABLES

NEEDS = {
    **{"table_2": ("timings", "serving"), "table_9": ("histograms",), "table_10": ("histograms",)},
    **{
        "sensitivity": ("documents",),
        "clusters": ("repetitions",),
        "scale": ("histograms",),
        "relative_cost": ("timings",),
    },
}
INTERVALS = ("table_4", "table_5", "table_8", "claims")  # that are made of intervals

RESULTS = (
    *(f"table_{name}" for name in TABLES),
    *(f"figure_{name}" for name in MAIN_FIGURES),
    *("scale", "relative_cost"),
    "claims",
    "assumptions",
    "report",
)
RESULTS_OF_VARIANTS = (
    *(f"figure_{name}" for name in VARIANT_FIGURES),
    "claims",
    "sensitivity",
    "assumptions",
    "clusters",
    "report",
)
