"""Embed the passages of one split (rule embed_split)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.embed import embed_windows
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import open_windows

    tokenizer = load_tokenizer(job.inputs["tokenizer"])
    windows = open_windows(job.inputs["tokens"], tokenizer.sha256)
    return embed_windows(
        job.inputs["embedder"],
        windows,
        job.settings["passage"],
        job.settings["sizes"],
        tokenizer,
        job.settings["device"],
        job.outputs["vectors"],
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
