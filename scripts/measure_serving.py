"""Measure what serving costs, for one specialised model of each method (rule measure_serving)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import write_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.train.engine import engine_of
    from speclm.train.serving import measure_serving, served_weights

    weights, batch = [served_weights(folder) for folder in job.inputs["models"]], job.settings["evaluate"]["batch"]
    tables = sorted(job.inputs["ngrams"].glob("*.safetensors")) if "ngrams" in job.inputs else []
    table = measure_serving(weights, batch, engine_of(job), tables)
    write_table(job.outputs["serving"], table)
    return {"models": len(table)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
