"""Write how the scale of the study compares with the paper's (rule write_scale)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.layout import write_files
    from speclm.study.scale import compare, measured_counts, paper_counts, scale_table

    tables = (read_table(job.inputs[name]) for name in ("metrics", "histograms"))
    scale = compare(measured_counts(job.settings, *tables), paper_counts(job.inputs["paper"][0].parent))
    write_files(scale_table(scale), job.outputs["tsv"], job.outputs["markdown"], job.outputs["latex"])
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
