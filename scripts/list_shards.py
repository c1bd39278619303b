"""List the shards of generic train, for those who read them all (rule list_shards)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.stage.listing import write_list

    return write_list(job.inputs["shards"], job.outputs["list"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
