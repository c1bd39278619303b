"""Divide the documents of a domain that joins a finished study (rule split_domain)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.joining import join_domain
    from speclm.data.names import HELDOUT, TRAIN
    from speclm.data.splits import split_settings

    documents = job.settings["documents"]
    return join_domain(
        job.wildcards["domain"],
        job.inputs["documents"],
        {TRAIN: job.inputs["train"], HELDOUT: [job.inputs["heldout"]]},
        split_settings(documents, job.settings["context"]),
        documents["seed"],
        job.outputs["splits"][0].parent,
        job.outputs["report"],
        job.scratch,
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
