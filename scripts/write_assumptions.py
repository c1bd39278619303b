"""List every setting with its origin, and what other choices change where it was measured (rule write_assumptions)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table, write_text
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.assumptions import assumptions

    measured = job.inputs.get("sensitivity")
    page = assumptions(
        job.settings["config"], read_table(job.inputs["origins"]), measured.read_text() if measured else ""
    )
    write_text(job.outputs["page"], page)
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
