"""Judge the paper's claims by the measurements (rule check_claims)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import write_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.claims import judge
    from speclm.study.evidence import load_evidence

    judged = judge(load_evidence(job.inputs, job.settings["study"], job.settings["evaluate"]))
    write_table(job.outputs["claims"], judged.claims)
    write_table(job.outputs["parts"], judged.parts)
    return judged.claims["verdict"].value_counts().to_dict()


if "snakemake" in globals():
    run(main, globals()["snakemake"])
