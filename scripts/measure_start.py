"""Measure the generic small model on a domain's validation text, before anything is spent (rule measure_start)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.train.engine import engine_of
    from speclm.train.evaluate import evaluate_pretrained

    return evaluate_pretrained(
        "slm",
        [job.inputs["checkpoints"]],
        job.settings["budgets"],
        job.wildcards["domain"],
        "valid",
        open_windows(job.inputs["valid"]),
        None,
        job.seed,
        job.settings["evaluate"]["batch"],
        job.outputs["documents"].parent,
        engine_of(job),
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
