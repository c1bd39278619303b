"""Write the text that a run ends with (rule write_summary)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table, write_text
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.evidence import load_evidence
    from speclm.study.overview import overview

    evidence = load_evidence(job.inputs, job.settings["study"], job.settings["evaluate"])
    text = overview(evidence, read_table(job.inputs["claims"]))
    where = job.outputs["summary"].parent
    write_text(
        job.outputs["summary"],
        f"{text.rstrip()}\n\nReport: {where}/report.html  Tables: {where}/tables  Figures: {where}/figures\n",
    )
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
