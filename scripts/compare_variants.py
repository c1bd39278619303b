"""Write the table of sensitivities: what other choices than the study's change (rule compare_variants)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.evidence import load_evidence
    from speclm.study.layout import write_files
    from speclm.study.sensitivity import sensitivity

    table = sensitivity(load_evidence(job.inputs, job.settings["study"], job.settings["evaluate"]))
    write_files(table, job.outputs["tsv"], job.outputs["markdown"], job.outputs["latex"])
    return {"rows": len(table.raw)}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
