"""Find the documents of a joining domain that collide with a file of generic text (rule compare_domain)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.joining import compare_domain
    from speclm.data.splits import split_settings

    documents = job.settings["documents"]
    return compare_domain(
        job.wildcards["domain"],
        job.inputs["documents"],
        job.inputs["generic"],
        split_settings(documents, job.settings["context"]),
        documents["seed"],
        job.outputs["collisions"],
        job.scratch,
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
