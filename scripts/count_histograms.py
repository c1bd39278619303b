"""Count the cluster histogram of every corpus for every k (rule count_histograms)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.histogram import write_histograms

    names = [(corpus, k) for corpus in job.settings["corpora"] for k in job.settings["k"]]
    return write_histograms(dict(zip(names, job.inputs["assignments"], strict=True)), job.outputs["histograms"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
