"""Remove from a generic shard what stands twice or in another split (rule split_shard)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.splits import split_settings, split_shard

    documents = job.settings["documents"]
    return split_shard(
        job.inputs["documents"],
        int(job.wildcards["shard"]),
        job.inputs["placed"],
        split_settings(documents, job.settings["context"]),
        documents["seed"],
        job.outputs["documents"],
        job.scratch,
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
