"""Read the documents of one shard of a data set (rule collect_documents)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.sources import Source, collect_documents
    from speclm.stage.settings import from_mapping

    source = from_mapping(Source, job.settings, f"config/datasets.tsv: {job.wildcards['dataset']}")
    return collect_documents(source, job.outputs["documents"], job.outputs["manifest"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
