"""Train the tokenizer on generic training text (rule train_tokenizer)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.data.tokenizer import TokenizerSettings, train_tokenizer

    chosen = job.settings["tokenizer"]
    settings = TokenizerSettings(
        vocabulary=chosen["vocabulary"],
        model=chosen["kind"],
        characters=chosen["characters"],
        line_characters=1000,  # sentencepiece's memory explodes on lines of several thousand characters
        threads=chosen["threads"],
    )
    return train_tokenizer(job.inputs["documents"], settings, job.outputs["model"])


if "snakemake" in globals():
    run(main, globals()["snakemake"])
