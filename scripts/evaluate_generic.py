"""Measure one method's pretrained models on held-out generic text (rule evaluate_generic)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_array
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.windows import open_windows
    from speclm.train.engine import engine_of
    from speclm.train.evaluate import evaluate_pretrained

    return evaluate_pretrained(
        job.wildcards["method"],
        job.inputs["checkpoints"],
        job.settings["budgets"],
        "generic",
        "heldout",
        open_windows(job.inputs["heldout"]),
        read_array(job.inputs["clusters"]) if "clusters" in job.inputs else None,
        job.seed,
        job.settings["evaluate"]["batch"],
        job.outputs["documents"].parent,
        engine_of(job),
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
