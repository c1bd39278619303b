"""Read the documents of one data set (rule collect_documents)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.sources import collect_documents, source_from_settings

    names = {"installed_docs": "packages", "files": "paths"}
    kind = job.settings["kind"]
    described = {"kind": kind, names.get(kind, "source"): job.settings["source"].split()}
    if kind == "files":
        described["text_field"] = "text"
    described["minimum_characters"] = job.settings["minimum_characters"]
    source = source_from_settings(described, f"config/datasets.tsv: {job.wildcards['dataset']}")
    return collect_documents(source, job.outputs["documents"], job.outputs["manifest"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
