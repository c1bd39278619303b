"""Measure all models of one method on a domain's test documents (rule evaluate_domain)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.train.engine import engine_of
    from speclm.train.evaluate import evaluate_models

    return evaluate_models(
        job.inputs["models"],
        "test",
        open_windows(job.inputs["test"]),
        job.settings["evaluate"]["batch"],
        job.outputs["documents"].parent,
        engine_of(job),
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
