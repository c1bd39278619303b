"""Remove duplicates and divide documents into splits (rule split_documents)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.splits import split_corpora, split_settings

    documents = job.settings["documents"]
    shards = {
        corpus: [path for path in job.inputs["documents"] if path.parent.name == dataset]
        for corpus, dataset in job.settings["datasets"].items()
    }
    generic = shards.pop("generic")
    return split_corpora(
        generic, list(shards.items()), split_settings(documents), documents["seed"], job.outputs["report"].parent
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
