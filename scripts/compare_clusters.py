"""Say how far tables 9 and 10 depend on the seed of k-means, beside the paper's (rule compare_clusters)."""

import _bootstrap  # noqa: F401
from speclm.stage.files import read_table, write_table, write_text
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.study.stability import read_paper, summarise, to_page

    summary = summarise(read_table(job.inputs["repetitions"]), read_paper(job.inputs["paper"][0].parent))
    write_table(job.outputs["tsv"], summary)
    write_text(job.outputs["markdown"], to_page(summary))
    return {}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
