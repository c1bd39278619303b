"""Prove that no document and no token window stands in two splits (rule check_splits)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import write_json
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.separation import check_separation

    names = job.settings["splits"]
    documents, windows = (dict(zip(names, job.inputs[what], strict=True)) for what in ("documents", "windows"))
    facts = check_separation(documents, windows, job.settings["passages_removed"])
    write_json(job.outputs["report"], facts)
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
