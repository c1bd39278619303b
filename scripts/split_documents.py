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
    domains = list(zip(job.settings["domains"], job.inputs["domains"], strict=True))
    return split_corpora(job.inputs["generic"], domains, settings, documents["seed"], job.outputs["report"].parent)


if "snakemake" in globals():
    run(main, globals()["snakemake"])
