"""Resample generic windows to a domain's cluster histogram (rule sample_importance)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run
from speclm.stage.streams import rng


def main(job: Job) -> dict:
    from speclm.cluster.importance import resample_windows

    domain, k = job.wildcards["domain"], job.settings["clusters"]
    tokens = int(job.settings["budget"] / job.settings["relative_cost"])
    draws = max(tokens // job.settings["context"], job.settings["batch"])
    return resample_windows(
        job.inputs["domain"],
        job.inputs["generic"],
        k,
        draws,
        rng(job.seed, "importance", domain, k),
        job.outputs["windows"],
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
