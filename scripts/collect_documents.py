"""Read the documents of one shard of a data set (rule collect_documents)."""

import sys

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.local import find_files
    from speclm.data.sources import Source, collect_documents
    from speclm.data.tally import tell_left_out
    from speclm.stage.settings import from_mapping

    source = from_mapping(Source, job.settings, f"config/datasets.tsv: {job.wildcards['dataset']}")
    first = source.kind == "files" and int(job.wildcards["shard"]) == 0
    others = find_files(source.source)[1] if first else None
    facts = collect_documents(source, job.outputs["documents"], job.outputs["manifest"], others or [])
    for line in tell_left_out([facts]):
        print(line, file=sys.stderr)
    return facts


if "snakemake" in globals():
    run(main, globals()["snakemake"])
