"""Encode one split into its store of token windows (rule encode_split)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import encode_split

    tokenizer = load_tokenizer(job.inputs["tokenizer"])
    return encode_split(
        job.inputs["documents"], tokenizer, job.settings["context"], threads=1, output=job.outputs["tokens"]
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
