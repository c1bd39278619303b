"""Hash the documents and the windows of a split, for the proof that no two splits share any (rule hash_split)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.separation import hash_split

    inputs, outputs = job.inputs, job.outputs
    return hash_split(inputs["documents"], inputs["tokens"], outputs["documents"], outputs["windows"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
