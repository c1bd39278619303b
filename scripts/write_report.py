"""Write the page of a study, and the record of where its stages ran (rule write_report)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import write_json
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.environment import read_environment
    from speclm.study.report import write_report

    environment = read_environment(job.inputs["data_card"].parent / "logs")
    variants = bool(job.wildcards["study"])
    write_json(job.outputs["environment"], environment)
    write_report(job.inputs, job.settings["config"], environment, job.outputs["page"], variants=variants)
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
