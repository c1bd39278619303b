"""Measure what serving costs, for one specialised model of each method (rule measure_serving)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import write_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.train.engine import engine_of
    from speclm.train.serving import measure_serving, served_weights

    weights = [served_weights(folder) for folder in job.inputs["models"]]
    table = measure_serving(weights, job.settings["evaluate"]["batch"], engine_of(job))
    write_table(job.outputs["serving"], table)
    return {"models": len(table)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
