"""Encode one split into its store of token windows (rule encode_split)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.sieve import Sieve
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import encode_split

    tokenizer, context = load_tokenizer(job.inputs["tokenizer"]), job.settings["context"]
    sieve = Sieve(job.inputs.get("kept_out", []), context)
    facts = encode_split(job.inputs["documents"], tokenizer, context, 1, job.outputs["tokens"], sieve.passing)
    return {**facts, "left_out": sieve.left_out}


if "snakemake" in globals():
    run(main, globals()["snakemake"])
