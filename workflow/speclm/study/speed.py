"""How fast a plan supposes the work to go: FLOP/s of the device, and text per second of a core.

Of these the first that there is:

    given      tokens per second of the SLM's training, or a device's name and its share of the peak (MFU)
    probed     steps of this machine at the configuration's own shapes (probing.py)
    measured   results/{run}/: the pretraining seconds of timings.tsv; else results/bench/, on the same kind of device;
               else, on a CPU, the published laptop run
    assumed    an A100 at the paper's own rates (its table 2)

Example: 126,000 tokens/s of the paper's SLM are 9.7e13 FLOP/s, 31 % of an A100's 312e12: 2.2 hours for 1G tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from speclm.model.size import PAPER_LLM, PAPER_SLM, ModelSize, training_flops_per_token
from speclm.stage.errors import UserError
from speclm.stage.files import read_table
from speclm.stage.settings import nearest
from speclm.study.plan import GENERIC

# FLOP/s of dense bfloat16 products with float32 sums, from NVIDIA's data sheets (half of the figure "with sparsity").
# The more special name stands first.
PEAKS = {
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "H200": 989e12,
    "A100": 312e12,
}
# Shares of the A100's peak in the paper's table 2, FLOPs counted as here: 2.2, 3.6 and 7.7 hours for 1G tokens.
PAPER_MFU = {"slm": 0.31, "slm_pn": 0.19, "llm": 0.54}
ASSUMED_DEVICE = "A100"
# Megabytes of text that a core of a Xeon with AVX-512 reads in a second: the laptop run.
TEXT_SPEED = {
    "collect_documents": 1.1,
    "split_documents": 2.5,
    "split_shard": 2.5,
    "hash_split": 17.0,
    "train_tokenizer": 6.0,
    "encode_split": 4.0,
    "fit_embedder": 1.9,
    "embed_split": 9.0,
    "count_ngrams": 1.2,
}
CORE_FLOPS = 30e9  # of distances to centroids, on one such core


@dataclass(frozen=True)
class Speed:
    """FLOP/s of the device by model ("slm", "slm_pn", "llm"), in words where they come from, and how fast a core reads
    against the machine of `TEXT_SPEED`."""

    flops: Mapping[str, float]
    source: str
    core: float = 1.0


def choose_speed(
    results: Path,
    run: str,
    device: str,
    slm: ModelSize,
    tokens_per_second: float | None,
    gpu: str | None,
    mfu: float | None,
) -> Speed:
    """The first speed that there is, of those above.

    Args:
        results: the folder of all runs. device: "cpu" or "cuda". slm: whose tokens `tokens_per_second` are.
        gpu, mfu: a name of `PEAKS`, and the share of its peak; either may be left out.

    Raises:
        UserError: an unknown GPU, or a number that is not above 0.
    """
    if tokens_per_second is not None:
        rate = _positive("--tokens-per-second", tokens_per_second) * training_flops_per_token(slm)
        return Speed(dict.fromkeys(PAPER_MFU, rate), f"given: {tokens_per_second:,.0f} tokens/s of the SLM's training")
    if gpu is not None or mfu is not None:
        return assumed_speed(gpu or ASSUMED_DEVICE, mfu)
    found = _timed(results / run) or _benched(results / "bench", device)
    if found is None and device == "cpu":
        found = _timed(results / "published/laptop")
    return found or assumed_speed(ASSUMED_DEVICE, None)


def assumed_speed(gpu: str, mfu: float | None) -> Speed:
    """A share of a GPU's peak: `mfu` for every model, or where it is left out the paper's.

    Raises:
        UserError: an unknown GPU, or a share that is not between 0 and 1.
    """
    if gpu not in PEAKS:
        known = ", ".join(PEAKS)
        raise UserError(f'unknown device "{gpu}"{nearest(gpu, PEAKS)}', key="--device", remedy=f"one of {known}")
    if mfu is not None and _positive("--mfu", mfu) > 1:
        raise UserError(f"{mfu} is more than the whole", key="--mfu", remedy="give a share of the peak between 0 and 1")
    shares = dict.fromkeys(PAPER_MFU, mfu) if mfu is not None else PAPER_MFU
    said = ", ".join(f"{share:.0%} ({kind})" for kind, share in shares.items()) if mfu is None else f"{mfu:.0%}"
    return Speed({kind: share * PEAKS[gpu] for kind, share in shares.items()}, f"assumed: {gpu} at {said} of its peak")


def probed_speed(facts: Mapping[str, Any], flops_per_token: Mapping[str, float]) -> Speed:
    """What was measured of this machine (probing.py).

    Args:
        flops_per_token: in training, by model.
    """
    rates = {model: rate * flops_per_token[model] for model, rate in facts["tokens_per_second"].items()}
    return Speed(_completed(rates), f"measured: steps of training on this machine ({facts['machine']})", facts["core"])


def pretraining_rates(metrics: pd.DataFrame, timings: pd.DataFrame) -> dict[str, float]:
    """FLOP/s of the pretrainings of "slm", "slm_pn" and "llm", as far as they were measured, at the largest budget."""
    rows = metrics.loc[metrics["domain"] == GENERIC].merge(timings.loc[timings["domain"] == GENERIC])
    rows = rows.loc[rows["method"].isin(PAPER_MFU) & (rows["budget"] == rows["budget"].max())]
    sums = rows.groupby("method")[["flops_generic", "seconds_generic"]].sum()
    return {str(kind): float(rate) for kind, rate in (sums["flops_generic"] / sums["seconds_generic"]).items()}


def _timed(folder: Path) -> Speed | None:
    if not (folder / "timings.tsv").is_file():
        return None
    return _measured(pretraining_rates(read_table(folder / "metrics.tsv"), read_table(folder / "timings.tsv")), folder)


def _benched(folder: Path, device: str) -> Speed | None:
    """What `make bench` measured: steps of the laptop's shapes on a CPU, of the paper's on a GPU."""
    if not (folder / "bench.tsv").is_file():
        return None
    values = read_table(folder / "bench.tsv").set_index("name")["value"]
    if device == "cpu":
        rates = {kind: 1e9 * float(values[f"{kind.upper()} step, GFLOP/s"]) for kind in ("slm", "llm")}
        return _measured(rates, folder)
    trained = {"slm": ("SLM", PAPER_SLM), "slm_pn": ("SLM-pn", PAPER_SLM), "llm": ("LLM", PAPER_LLM)}
    rates = {
        kind: float(values[f"{name} on GPU, tokens/s"]) * training_flops_per_token(size)
        for kind, (name, size) in trained.items()
    }
    return _measured(rates, folder) if all(map(isfinite, rates.values())) else None  # not a number: not measured


def _measured(rates: Mapping[str, float], folder: Path) -> Speed | None:
    return Speed(_completed(rates), f"measured: {folder.parent.name}/{folder.name}") if rates else None


def _completed(rates: Mapping[str, float]) -> dict[str, float]:
    """What was not measured goes at the speed of the slowest that was."""
    return {kind: rates.get(kind, min(rates.values())) for kind in PAPER_MFU}


def _positive(key: str, value: float) -> float:
    if value <= 0:
        raise UserError(f"{value} is not positive", key=key, remedy="give a number above 0")
    return value
