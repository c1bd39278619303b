"""Write the Croissant metadata of a run's text (rule write_croissant)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.croissant import write_croissant

    chosen, files = job.settings, job.inputs
    places = (files["splits"], files["report"], job.outputs["metadata"])
    return write_croissant(chosen["run"], chosen["corpora"], chosen["datasets"], *places)


if "snakemake" in globals():
    run(main, globals()["snakemake"])
