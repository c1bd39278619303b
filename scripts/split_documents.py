"""Remove duplicates and divide documents into splits (rule split_documents)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.splits import SplitSettings, split_corpora

    documents = job.settings["documents"]
    settings = SplitSettings(
        heldout_documents=documents["heldout"],
        valid_documents=documents["valid"],
        test_documents=documents["test"],
        similarity=documents["near_duplicate"],
        permutations=documents["permutations"],
        passage_words=documents["passage_words"],
    )
    shards = {
        corpus: [path for path in job.inputs["documents"] if path.parent.name == dataset]
        for corpus, dataset in job.settings["datasets"].items()
    }
    generic = shards.pop("generic")
    return split_corpora(generic, list(shards.items()), settings, documents["seed"], job.outputs["report"].parent)


if "snakemake" in globals():
    run(main, globals()["snakemake"])
