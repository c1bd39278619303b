"""Assign the windows of one split to their nearest centroid for every k, and index them (rule assign_clusters)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.index import write_index
    from speclm.cluster.kmeans import assign_clusters

    files = zip(job.inputs["centroids"], job.outputs["assignments"], job.outputs["indices"], strict=True)
    facts = {}
    for centroids, assignments, index in files:
        facts[centroids.parent.name] = assign_clusters(job.inputs["vectors"], centroids, assignments)
        write_index(assignments, facts[centroids.parent.name]["k"], index)
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
