"""Remove duplicates and divide documents into all splits but generic train (rule split_documents)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.names import GENERIC
    from speclm.data.splits import split_corpora, split_settings

    documents = job.settings["documents"]
    domains = [
        (corpus, [path for path in job.inputs["domains"] if path.parent.name == dataset])
        for corpus, dataset in job.settings["datasets"].items()
        if corpus != GENERIC
    ]
    places = (job.outputs["report"].parent, job.scratch)
    return split_corpora(
        job.inputs["generic"], domains, split_settings(documents, job.settings["context"]), documents["seed"], *places
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
