"""The benchmark's contents: one row per measurement, with the targets of its figures.

A further measurement is a function of a `Bench` that gives figures by name, and a row here.
"""

from __future__ import annotations

from functools import partial

from speclm.bench.aggregate import run_over_process
from speclm.bench.drawing import against_plain_sampling
from speclm.bench.gpu import on_gpu
from speclm.bench.growth import STAGES, growth_of_stages
from speclm.bench.inference import served_models
from speclm.bench.libraries import against_libraries
from speclm.bench.memory import memory_of_steps
from speclm.bench.speed import against_peers, against_products, projected_network
from speclm.bench.table import Measurement

MEASUREMENTS = (
    *(
        Measurement(
            f"peers{threads}",
            partial(against_peers, method="slm", threads=threads),
            {
                f"SLM tokens/s over nanoGPT-style, {suffix}": ">= 1.5",
                f"SLM tokens/s over HF Trainer, {suffix}": ">= 2",
            },
        )
        for threads, suffix in ((1, "1 thread"), (2, "2 threads"))
    ),
    Measurement("peers_llm", partial(against_peers, method="llm", threads=1), {}),
    Measurement("peers_pn", partial(against_peers, method="slm_pn", threads=1), {}),
    Measurement(
        "products",
        against_products,
        {"SLM step: share of sgemm rate": ">= 0.6", "LLM step: share of sgemm rate": ">= 0.6"},
    ),
    Measurement(
        "pn",
        projected_network,
        {
            "SLM-pn step over SLM step, k = 8, h = 4, m = 4": "<= 1.15",
            "SLM-pn step over SLM step, k = 32, h = 4, m = 4": "<= 1.15",
            "SLM-pn step over SLM step, k = 8, h = m = k": "<= 1.15",
            "SLM-pn step over SLM step, k = 32, h = m = k": "<= 1.15",
        },
    ),
    Measurement(
        "memory",
        memory_of_steps,
        {f"{name} peak memory of a step over state and activations": "<= 1.25" for name in ("SLM", "LLM", "SLM-pn")},
    ),
    Measurement("run", run_over_process, {"laptop run over 2 x one process, tokens/s": ">= 0.9"}),
    Measurement("gpu", on_gpu, {"126M SLM on GPU, bf16, context 1,024: MFU": ">= 0.5"}),
    Measurement("inference", served_models, {}),
    Measurement(
        "drawing",
        partial(against_plain_sampling, shards={"10M": 1, "10G": 1024}),
        {f"drawing by cluster over plain sampling, {size} tokens: time": "<= 1.3" for size in ("10M", "10G")},
    ),
    Measurement("stages", against_libraries, {}),
    Measurement(
        "growth",
        growth_of_stages,
        {
            f"{stage}: {what}": "<= 1.1"
            for stage in STAGES
            for what in ("time at 16x over linear", "peak memory at 16x over 1x")
        },
    ),
)
