"""Report what all splits hold and what was removed (rule report_splits)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.splits import report_splits

    return report_splits(job.inputs["placed"], job.inputs["shards"], job.outputs["report"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
