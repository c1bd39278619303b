"""Count the cluster histogram of every corpus for every k (rule count_histograms)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.histogram import write_histograms
    from speclm.data.names import GENERIC

    ks, generic = job.settings["k"], job.inputs["generic"]
    shards = len(generic) // len(ks)
    files = {(GENERIC, k): generic[place * shards : (place + 1) * shards] for place, k in enumerate(ks)}
    names = [(domain, k) for domain in job.settings["domains"] for k in ks]
    files |= {name: [path] for name, path in zip(names, job.inputs["domains"], strict=True)}
    return write_histograms(files, job.outputs["histograms"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
