"""Cluster the embeddings of generic passages for every k (rule fit_clusters)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.kmeans import KMeansSettings, fit_clusters

    chosen = job.settings["clusters"]
    settings = KMeansSettings(chosen["fit_passages"], chosen["iterations"])
    return {
        f"k{k}": fit_clusters(job.inputs["vectors"], k, settings, chosen["seed"], output)
        for k, output in zip(chosen["k"], job.outputs["centroids"], strict=True)
    }


if "snakemake" in globals():
    run(main, globals()["snakemake"])
