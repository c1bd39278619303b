"""Fit the embedder on generic windows (rule fit_embedder)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.embed import embedder_from_settings, fit_embedder
    from speclm.cluster.sentence_encoder import PACKAGE
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import open_windows

    chosen = job.settings["embedder"]
    tokenizer = load_tokenizer(job.inputs["tokenizer"])
    return fit_embedder(
        embedder_from_settings({**chosen, "model": PACKAGE}, "embedder"),
        open_windows(job.inputs["tokens"], tokenizer.sha256),
        chosen["passage"],
        tokenizer,
        job.settings["seed"],
        job.outputs["embedder"],
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
