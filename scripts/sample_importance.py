"""Resample generic windows to a domain's cluster histogram (rule sample_importance)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run
from speclm.stage.streams import rng


def main(job: Job) -> dict:
    from speclm.cluster.importance import resample_windows

    domain, k = job.wildcards["domain"], job.settings["clusters"]
    tokens, context = int(job.settings["budget"] / job.settings["relative_cost"]), job.settings["context"]
    draws = max(tokens // context, job.settings["batch"])
    stated = job.settings["histogram_tokens"]
    return resample_windows(
        job.inputs["domain"],
        None if stated is None else stated // context,
        job.inputs["generic"],
        k,
        draws,
        rng(job.seed, "importance", domain, k),
        job.outputs["windows"],
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
