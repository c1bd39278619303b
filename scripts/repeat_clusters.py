"""Make tables 9 and 10 again with other seeds of k-means (rule repeat_clusters)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.kmeans import KMeansSettings
    from speclm.cluster.repetition import repeat_clusters
    from speclm.data.names import GENERIC

    chosen = job.settings["clusters"]
    domains = zip(job.settings["domains"], job.inputs["domains"], strict=True)
    embeddings = {GENERIC: job.inputs["generic"], **{domain: [path] for domain, path in domains}}
    settings = KMeansSettings(chosen["fit_passages"], chosen["iterations"])
    return repeat_clusters(embeddings, chosen["k"], settings, chosen["repetitions"], job.outputs["repetitions"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
