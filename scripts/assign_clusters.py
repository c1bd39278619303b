"""Assign the windows of one split to their nearest centroid for every k (rule assign_clusters)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.kmeans import assign_clusters

    pairs = zip(job.inputs["centroids"], job.outputs["assignments"], strict=True)
    return {
        centroids.parent.name: assign_clusters(job.inputs["vectors"], centroids, output) for centroids, output in pairs
    }


if "snakemake" in globals():
    run(main, globals()["snakemake"])
